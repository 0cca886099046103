import type { Descriptor } from '../../oci/descriptor.ts';
import { digestAlgorithm, digestOf } from '../../oci/digest.ts';
import { CopyError } from '../errors.ts';

/** Whether the bytes match a descriptor; for small blobs held in memory. */
export function matchesDescriptor(bytes: Uint8Array, blob: Descriptor): boolean {
  return bytes.byteLength === blob.size && digestOf(bytes, digestAlgorithm(blob.digest)) === blob.digest;
}

/**
 * Checks that a blob that a repository holds has the size in its descriptor. The repository
 * verified the bytes by their digest when it stored them. So if the sizes differ, the descriptor is
 * wrong, and clients would refuse the image.
 *
 * @param size in bytes, as the repository reports it; undefined if it does not.
 * @throws CopyError SIZE_INVALID, naming both.
 */
export function expectHeldSize(repository: string, blob: Descriptor, size: number | undefined): void {
  if (size === undefined || size === blob.size) return;
  throw new CopyError(
    'SIZE_INVALID',
    blob.digest,
    `${repository} holds it with ${size} bytes, but its descriptor says ${blob.size}`,
  );
}
