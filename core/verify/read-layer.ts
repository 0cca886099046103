import { readSmallBlob } from '../copy/blob/read-small.ts';
import type { CallOptions, ImageSource } from '../copy/ports.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { RegistryError } from '../registry/errors.ts';

/**
 * Reads a layer that may hold a signature.
 *
 * @throws RegistryError if the registry does not serve it, or serves other bytes
 */
export async function readLayer(
  source: ImageSource,
  layer: Descriptor,
  options: CallOptions,
): Promise<Uint8Array> {
  const bytes = await readSmallBlob(source, layer, options);
  if (bytes !== undefined) return bytes;
  const slash = source.name.indexOf('/');
  throw new RegistryError(
    {
      side: 'upstream',
      registry: source.name.slice(0, slash),
      operation: 'read signature of',
      repository: source.name.slice(slash + 1),
      reference: layer.digest,
    },
    { code: 'DIGEST_INVALID', reason: 'the received bytes do not have this digest', temporary: true },
  );
}
