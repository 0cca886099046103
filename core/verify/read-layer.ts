import { matchesDescriptor } from '../copy/blob/verify.ts';
import type { CallOptions, ImageSource } from '../copy/ports.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { RegistryError } from '../registry/errors.ts';

/**
 * Reads a small blob, never more of it than its descriptor says.
 *
 * @throws RegistryError if the registry does not serve it, or serves other bytes
 */
export async function readLayer(
  source: ImageSource,
  layer: Descriptor,
  options: CallOptions,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of await source.blob(layer, options)) {
    size += chunk.byteLength;
    if (size > layer.size) break;
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (size <= layer.size && matchesDescriptor(bytes, layer)) return bytes;
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
