import type { Digest } from '../../core/oci/digest.ts';

/** ECR's tag mutability settings. */
export type TagMutability = 'MUTABLE' | 'IMMUTABLE' | 'IMMUTABLE_WITH_EXCLUSION' | 'MUTABLE_WITH_EXCLUSION';

/** The settings of CreateRepository, as plain JSON in the API's own words. */
export interface RepositorySettings {
  imageTagMutability: TagMutability;
  /** Wildcard patterns, at most five: tags to which the opposite of the setting applies. */
  imageTagMutabilityExclusionFilters?: { filterType: 'WILDCARD'; filter: string }[];
  imageScanningConfiguration: { scanOnPush: boolean };
  encryptionConfiguration: { encryptionType: 'AES256' | 'KMS' | 'KMS_DSSE'; kmsKey?: string };
}

/** What else is set for a repository, in the API's own words. */
export interface RepositoryExtras {
  /** The text of the repository policy; absent: it has none. */
  policy?: string;
  /** The text of the lifecycle policy; absent: it has none. It is stored and not run. */
  lifecyclePolicy?: string;
  tags?: Record<string, string>;
}

/** The settings of a repository that nobody configured. */
export const defaultSettings: RepositorySettings = {
  imageTagMutability: 'MUTABLE',
  imageScanningConfiguration: { scanOnPush: false },
  encryptionConfiguration: { encryptionType: 'AES256' },
};

/** What the registry stores about a manifest besides its bytes. */
export interface StoredManifest {
  digest: Digest;
  mediaType: string;
  /** Size of the manifest itself, in bytes. */
  size: number;
  /** Size of the config and layers, in bytes; 0 for an index. */
  contentSize: number;
  /** Milliseconds since 1970. */
  pushedAt: number;
  /** Config and layers. */
  blobs: Digest[];
  /** An index's manifests. */
  children: Digest[];
  subject?: Digest;
  /**
   * As the referrers API returns it: the manifest's artifactType, otherwise its config's media
   * type.
   */
  artifactType?: string;
  annotations?: Record<string, string>;
  /** When it was archived, milliseconds since 1970: it is still listed, but can't be pulled. */
  archivedAt?: number;
}

/** A repository as the registry holds it in memory; only the catalog changes it. */
export interface Repository {
  name: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  settings: RepositorySettings;
  extras: RepositoryExtras;
  /** Blobs that can be pulled from here, with their sizes. */
  layers: Map<Digest, number>;
  /** Those of the layers that only archived images name. */
  archivedLayers: Set<Digest>;
  manifests: Map<Digest, StoredManifest>;
  tags: Map<string, Digest>;
}

/** The tags that point to a manifest, sorted. */
export function tagsOf(repository: Repository, digest: Digest): string[] {
  return [...repository.tags]
    .filter(([, target]) => target === digest)
    .map(([tag]) => tag)
    .sort();
}

/** Whether a manifest in the repository names the blob as its config or a layer. */
export function isReferred(repository: Repository, blob: Digest): boolean {
  for (const manifest of repository.manifests.values()) if (manifest.blobs.includes(blob)) return true;
  return false;
}

/**
 * Whether an existing tag must not be overwritten. Exclusion filters invert the setting for the
 * tags that they match.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
 */
export function isImmutable(settings: RepositorySettings, tag: string): boolean {
  const excluded = (settings.imageTagMutabilityExclusionFilters ?? []).some(({ filter }) =>
    matchesWildcard(filter, tag),
  );
  switch (settings.imageTagMutability) {
    case 'MUTABLE':
      return false;
    case 'IMMUTABLE':
      return true;
    case 'IMMUTABLE_WITH_EXCLUSION':
      return !excluded;
    case 'MUTABLE_WITH_EXCLUSION':
      return excluded;
  }
}

/**
 * `*` stands for any characters. Matched from left to right without backtracking: hostile filters
 * cost nothing.
 */
function matchesWildcard(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const first = parts.shift() ?? '';
  if (parts.length === 0) return text === first;
  const last = parts.pop() ?? '';
  if (!text.startsWith(first)) return false;
  let position = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return text.length - last.length >= position && text.endsWith(last);
}
