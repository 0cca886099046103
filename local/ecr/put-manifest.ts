import type { Descriptor } from '../../core/oci/descriptor.ts';
import { type Digest, isDigest } from '../../core/oci/digest.ts';
import { InvalidManifestError, type KnownManifest, parseManifest } from '../../core/oci/manifest.ts';
import { isManifestType } from '../../core/oci/media-types.ts';
import type { Catalog } from './catalog.ts';
import { isImmutable, type Repository, type StoredManifest } from './repository.ts';

/** A manifest as received, and where to put it. */
export interface ManifestToPut {
  bytes: Uint8Array;
  mediaType: string | undefined;
  tag?: string;
  /** The digest according to the client. */
  digest?: Digest;
  /** ECR does not accept `;` in media types: CR#2306. */
  refuseMediaTypeParameters?: boolean;
}

/** The outcome of a PUT. */
export type PutManifestOutcome =
  | {
      kind: 'stored';
      manifest: StoredManifest /** manifest and tag were there as they are */;
      unchanged: boolean;
    }
  | { kind: 'invalid'; message: string }
  | { kind: 'digest-mismatch'; calculated: Digest }
  | { kind: 'layers-missing'; digests: Digest[] }
  | { kind: 'images-missing'; digests: Digest[] }
  | { kind: 'tag-immutable'; tag: string };

/** Puts a manifest if everything that it names is in the repository. Both protocols use this. */
export async function putManifest(
  catalog: Catalog,
  repository: Repository,
  { bytes, mediaType, tag, digest, refuseMediaTypeParameters = false }: ManifestToPut,
): Promise<PutManifestOutcome> {
  let parsed: KnownManifest;
  try {
    parsed = parseManifest(bytes, mediaType, digest);
  } catch (error) {
    if (!(error instanceof InvalidManifestError)) throw error;
    if (error.code !== 'DIGEST_INVALID') return { kind: 'invalid', message: error.message };
    return { kind: 'digest-mismatch', calculated: parseManifest(bytes, mediaType).digest };
  }
  const withParameters = refuseMediaTypeParameters
    ? [mediaType, ...statedTypes(parsed)].find((type) => type?.includes(';'))
    : undefined;
  if (withParameters !== undefined) {
    return { kind: 'invalid', message: `the media type ${JSON.stringify(withParameters)} has parameters` };
  }
  const manifest = describe(parsed, repository, catalog.now());
  let unchanged = false;
  const refusal = await catalog.putManifest<PutManifestOutcome>(repository, { manifest, bytes, tag }, () => {
    const layers = requiredBlobs(parsed).filter((blob) => !repository.layers.has(blob));
    if (layers.length > 0) return { kind: 'layers-missing', digests: layers };
    const images = manifest.children.filter((child) => !repository.manifests.has(child));
    if (images.length > 0) return { kind: 'images-missing', digests: images };
    // Even if the tag already has this digest: CR#2380.
    if (tag !== undefined && repository.tags.has(tag) && isImmutable(repository.settings, tag)) {
      return { kind: 'tag-immutable', tag };
    }
    unchanged =
      isActive(repository, manifest.digest) &&
      (tag === undefined || repository.tags.get(tag) === manifest.digest);
    return undefined;
  });
  return refusal ?? { kind: 'stored', manifest, unchanged };
}

/**
 * All blobs: config, layers, and an index's entries that are not manifests (as in build caches).
 */
function blobsOf(manifest: KnownManifest): Descriptor[] {
  if (manifest.kind === 'image') return [manifest.config, ...manifest.layers];
  return manifest.manifests.filter(({ mediaType }) => !isManifestType(mediaType));
}

/**
 * Blobs that must be present first. Foreign layers (with `urls`) are elsewhere: image-spec,
 * non-distributable layers.
 */
function requiredBlobs(manifest: KnownManifest): Digest[] {
  const blobs = blobsOf(manifest).filter(({ urls }) => urls === undefined || urls.length === 0);
  return [...new Set(blobs.map(({ digest }) => digest))];
}

function childrenOf(manifest: KnownManifest): Digest[] {
  if (manifest.kind === 'image') return [];
  const children = manifest.manifests.filter(({ mediaType }) => isManifestType(mediaType));
  return [...new Set(children.map(({ digest }) => digest))];
}

function statedTypes(manifest: KnownManifest): (string | undefined)[] {
  const descriptors = manifest.kind === 'image' ? blobsOf(manifest) : manifest.manifests;
  return [manifest.artifactType, ...descriptors.map(({ mediaType }) => mediaType)];
}

function describe(manifest: KnownManifest, repository: Repository, pushedAt: number): StoredManifest {
  const blobs = blobsOf(manifest);
  const artifactType =
    manifest.artifactType ?? (manifest.kind === 'image' ? manifest.config.mediaType : undefined);
  const stored: StoredManifest = {
    digest: manifest.digest,
    mediaType: manifest.mediaType,
    size: manifest.bytes.length,
    contentSize: blobs.reduce((sum, { digest, size }) => sum + (repository.layers.get(digest) ?? size), 0),
    pushedAt,
    blobs: [...new Set(blobs.map(({ digest }) => digest))],
    children: childrenOf(manifest),
  };
  if (manifest.subject !== undefined) stored.subject = manifest.subject.digest;
  if (artifactType !== undefined) stored.artifactType = artifactType;
  if (manifest.annotations !== undefined) stored.annotations = manifest.annotations;
  return stored;
}

/** A manifest by its tag or digest, as in paths; one that is archived can't be pulled. */
export function findManifest(repository: Repository, reference: string): StoredManifest | undefined {
  const digest = isDigest(reference) ? reference : repository.tags.get(reference);
  return digest !== undefined && isActive(repository, digest) ? repository.manifests.get(digest) : undefined;
}

/** Whether a repository has a manifest that is not archived. */
function isActive(repository: Repository, digest: Digest): boolean {
  const manifest = repository.manifests.get(digest);
  return manifest !== undefined && manifest.archivedAt === undefined;
}
