import type { Descriptor } from '../oci/descriptor.ts';
import { createDigester, digestAlgorithm, digestOf } from '../oci/digest.ts';
import { CopyError } from './errors.ts';

/**
 * Passes a blob's bytes on while it counts and hashes them.
 *
 * The last chunk is held back until size and digest are known to be right: a receiver that was promised
 * `Content-Length` bytes never gets them all from a damaged blob, and so can't store it.
 *
 * @param onBytes called with the size of each chunk as it passes.
 * @throws CopyError SIZE_INVALID or DIGEST_INVALID, naming what was promised and what came.
 */
export async function* verified(
  body: AsyncIterable<Uint8Array>,
  blob: Descriptor,
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = createDigester(digestAlgorithm(blob.digest));
  let received = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of body) {
    // Held back instead of the bytes before it, nothing would let all of them pass unverified.
    if (chunk.byteLength === 0) continue;
    received += chunk.byteLength;
    if (received > blob.size) {
      throw new CopyError(
        'SIZE_INVALID',
        blob.digest,
        `more than the ${blob.size} bytes of its descriptor came`,
      );
    }
    digester.update(chunk);
    onBytes(chunk.byteLength);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (received !== blob.size) {
    throw new CopyError(
      'SIZE_INVALID',
      blob.digest,
      `${received} bytes came, its descriptor says ${blob.size}`,
    );
  }
  const actual = digester.digest();
  if (actual !== blob.digest) {
    throw new CopyError('DIGEST_INVALID', blob.digest, `the bytes that came have the digest ${actual}`);
  }
  if (held !== undefined) yield held;
}

/** Whether some bytes are those that a descriptor names; for small blobs held in memory. */
export function matchesDescriptor(bytes: Uint8Array, blob: Descriptor): boolean {
  return bytes.byteLength === blob.size && digestOf(bytes, digestAlgorithm(blob.digest)) === blob.digest;
}

/**
 * Sees that a blob that a repository holds is as large as its descriptor says. The repository verified the bytes by their
 * digest when it took them, so that it is the descriptor that lies: clients would refuse the image.
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
