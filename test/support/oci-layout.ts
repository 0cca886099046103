import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../core/oci/digest.ts';
import type { SeededImage, SeededIndex } from './seeded-image.ts';

/**
 * Writes an OCI layout, by hand, for skopeo to push from.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 *
 * @returns how skopeo names it
 */
export async function writeLayout(folder: string, image: SeededImage | SeededIndex): Promise<string> {
  const blobs = new Map<Digest, Uint8Array>(image.blobs);
  for (const { manifest } of image.kind === 'index' ? [image, ...image.children] : [image]) {
    blobs.set(manifest.digest, manifest.bytes);
  }
  await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true });
  for (const [digest, bytes] of blobs) {
    await writeFile(join(folder, 'blobs', 'sha256', digest.slice('sha256:'.length)), bytes);
  }
  const { mediaType, digest, bytes } = image.manifest;
  const annotations = { 'org.opencontainers.image.ref.name': 'v1' };
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(
    join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType, digest, size: bytes.length, annotations }] }),
  );
  return `oci:${folder}:v1`;
}
