import type { RegistryClient } from '../../core/registry/client.ts';
import { type BuiltImage, image } from './image.ts';
import type { ImageBlob } from './layer.ts';

const chunkBytes = 256 * 1024;

/**
 * Pushes an image as its publisher does: first the blobs that the registry lacks, each by POST and
 * PUT, then the manifest.
 *
 * @returns the blobs that were sent
 */
export async function pushImage(
  client: RegistryClient,
  built: BuiltImage,
  signal?: AbortSignal,
): Promise<ImageBlob[]> {
  const repository = `${image.namespace}/${image.name}`;
  const pushed = await Promise.all(
    [...built.layers, built.config].map(async (blob) => {
      if (await client.headBlob(repository, blob.descriptor.digest, { signal })) return [];
      const started = await client.startUpload(repository, { signal });
      if (started.kind !== 'session') return [];
      await client.putBlob(started.session, blob.descriptor, chunksOf(blob.bytes), { signal });
      return [blob];
    }),
  );
  await client.putManifest(repository, built.tag, built.manifest, { signal });
  return pushed.flat();
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += chunkBytes) {
    yield bytes.subarray(start, start + chunkBytes);
  }
}
