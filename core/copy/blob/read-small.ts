import type { Descriptor } from '../../oci/descriptor.ts';
import type { CallOptions, ImageSource } from '../ports.ts';
import { matchesDescriptor } from './verify.ts';

/**
 * Reads a small blob into memory, never more of it than its descriptor says.
 *
 * @returns undefined if the repository serves other bytes than the descriptor names
 */
export async function readSmallBlob(
  source: Pick<ImageSource, 'blob'>,
  blob: Descriptor,
  options?: CallOptions,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of await source.blob(blob, options)) {
    size += chunk.byteLength;
    if (size > blob.size) return undefined;
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  return matchesDescriptor(bytes, blob) ? bytes : undefined;
}
