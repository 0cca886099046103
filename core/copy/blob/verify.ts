import type { Descriptor } from '../../oci/descriptor.ts';
import { digestAlgorithm, digestOf } from '../../oci/digest.ts';
import { CopyError } from '../errors.ts';

/** Whether some bytes are those that a descriptor names; for small blobs held in memory. */
export function matchesDescriptor(bytes: Uint8Array, blob: Descriptor): boolean {
  return bytes.byteLength === blob.size && digestOf(bytes, digestAlgorithm(blob.digest)) === blob.digest;
}

/**
 * Sees that a blob that a repository holds is as large as its descriptor says. The repository
 * verified the bytes by their digest when it took them, so that it is the descriptor that lies:
 * clients would refuse the image.
 *
 * @param size bytes, as the repository tells; undefined where it does not.
 * @throws CopyError SIZE_INVALID, naming both.
 */
export function expectHeldSize(repository: string, blob: Descriptor, size: number | undefined): void {
  if (size === undefined || size === blob.size) return;
  throw new CopyError(
    'SIZE_INVALID',
    blob.digest,
    `${repository} holds it with ${size} bytes, its descriptor says ${blob.size}`,
  );
}
