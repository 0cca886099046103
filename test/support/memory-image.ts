import type { Descriptor } from '../../core/oci/descriptor.ts';
import { digestOf } from '../../core/oci/digest.ts';
import { type Manifest, parseManifest } from '../../core/oci/manifest.ts';
import { MemoryStore } from './memory-store.ts';
import type { SeededImage, SeededIndex, SeededManifest } from './seeded-image.ts';

/** A seeded manifest as the code under test reads it. */
export function parsed({ bytes, mediaType, digest }: SeededManifest): Manifest {
  return parseManifest(bytes, mediaType, digest);
}

/** A manifest from its JSON content. */
export function manifestOf(content: { mediaType: string; [key: string]: unknown }): Manifest {
  return parseManifest(Buffer.from(JSON.stringify(content)), content.mediaType);
}

/** A descriptor of these bytes. */
export function blobOf(content: Uint8Array | string, mediaType = 'application/octet-stream'): Descriptor {
  const bytes = Buffer.from(content);
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
}

/** The descriptor by which an index names a manifest. */
export function childOf(manifest: Manifest, more: Partial<Descriptor> = {}): Descriptor {
  return { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.byteLength, ...more };
}

/** Puts an image with all that belongs to it into a store. */
export function holdImage(store: MemoryStore, image: SeededImage | SeededIndex, tag?: string): Manifest {
  for (const [digest, bytes] of image.blobs) store.blobs.set(digest, bytes);
  for (const child of image.kind === 'index' ? image.children : []) {
    store.manifests.set(child.manifest.digest, parsed(child.manifest));
  }
  const manifest = parsed(image.manifest);
  store.manifests.set(manifest.digest, manifest);
  if (tag !== undefined) store.tags.set(tag, manifest.digest);
  return manifest;
}

/** A store that holds an image under a tag. */
export function storeWith(
  image: SeededImage | SeededIndex,
  tag = 'latest',
  name = 'up.example/app',
): MemoryStore {
  const store = new MemoryStore(name);
  holdImage(store, image, tag);
  return store;
}
