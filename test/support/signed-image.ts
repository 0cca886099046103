import type { Digest } from '../../core/oci/digest.ts';
import type { Manifest } from '../../core/oci/manifest.ts';
import { mediaTypes } from '../../core/oci/media-types.ts';
import { blobOf, manifestOf } from './memory-image.ts';
import type { MemoryStore } from './memory-store.ts';

/** The config of artifacts that have none. */
const emptyConfig = blobOf('{}', mediaTypes.ociEmpty);

/** Something that belongs to an image: its manifest, and the bytes of its blobs. */
export interface Artifact {
  manifest: Manifest;
  blobs: Map<Digest, Uint8Array>;
}

/** An OCI 1.1 artifact with one layer; without a subject it stands alone. */
export function artifactOf(
  content: string,
  subject?: Manifest,
  artifactType = 'application/vnd.example.signature',
): Artifact {
  const layer = blobOf(content, 'application/vnd.example.content');
  const manifest = manifestOf({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType,
    config: emptyConfig,
    layers: [layer],
    ...(subject
      ? {
          subject: {
            mediaType: subject.mediaType,
            digest: subject.digest,
            size: subject.bytes.byteLength,
          },
        }
      : {}),
  });
  return {
    manifest,
    blobs: new Map<Digest, Uint8Array>([
      [emptyConfig.digest, Buffer.from('{}')],
      [layer.digest, Buffer.from(content)],
    ]),
  };
}

/**
 * What cosign keeps under its tags: an image whose layer is the signed payload, without a subject.
 */
export function cosignOf(content: string): Artifact {
  const config = blobOf(`{"of":${JSON.stringify(content)}}`, mediaTypes.ociConfig);
  const layer = blobOf(content, 'application/vnd.dev.cosign.simplesigning.v1+json');
  const manifest = manifestOf({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config,
    layers: [layer],
  });
  return {
    manifest,
    blobs: new Map<Digest, Uint8Array>([
      [config.digest, Buffer.from(`{"of":${JSON.stringify(content)}}`)],
      [layer.digest, Buffer.from(content)],
    ]),
  };
}

/** Puts an artifact into a store. */
export function holdArtifact(store: MemoryStore, { manifest, blobs }: Artifact, tag?: string): Manifest {
  for (const [digest, bytes] of blobs) store.blobs.set(digest, bytes);
  store.manifests.set(manifest.digest, manifest);
  if (tag !== undefined) store.tags.set(tag, manifest.digest);
  return manifest;
}

/** cosign's tag for a digest. */
export function cosignTag(subject: { digest: Digest }, suffix: 'sig' | 'att' | 'sbom' = 'sig'): string {
  return `${subject.digest.replace(':', '-')}.${suffix}`;
}
