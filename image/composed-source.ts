import type { ImageSource } from '../core/copy/ports.ts';
import type { ComposedImage } from './compose.ts';

/** Pieces of a blob in memory. */
const chunkBytes = 256 * 1024;

/**
 * A composed image as something to copy: what was made here comes from memory, and the layers of
 * the base from their registry, when the destination lacks them.
 */
export function composedSource(image: ComposedImage, base: ImageSource): ImageSource {
  return {
    name: base.name,
    streams: base.streams,
    async manifest(reference) {
      const manifest = [...image.manifests.values()].find(({ digest }) => digest === reference);
      if (manifest) return manifest;
      throw new Error(`the image has no manifest ${reference}`);
    },
    async blob(descriptor, { offset = 0, ...options } = {}) {
      const bytes = image.blobs.get(descriptor.digest);
      return bytes ? chunksOf(bytes, offset) : await base.blob(descriptor, { offset, ...options });
    },
  };
}

async function* chunksOf(bytes: Uint8Array, offset: number): AsyncGenerator<Uint8Array> {
  for (let start = offset; start < bytes.byteLength; start += chunkBytes)
    yield bytes.subarray(start, start + chunkBytes);
}
