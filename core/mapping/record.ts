import type { Amount } from '../copy/ports.ts';
import type { ReferrersSummary } from '../copy/referrers/referrers.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import type { Reference } from '../oci/reference.ts';
import { formatReference } from '../oci/reference.ts';
import type { Verified } from '../verify/verdict.ts';

/** The subject of a mapping: one tag, or one digest, of an upstream repository. */
export type ImageKey = TagKey | DigestKey;

export interface TagKey {
  registry: string;
  repository: string;
  /** A tag. No tag contains the colon that every digest has. */
  reference: string;
}

export interface DigestKey extends TagKey {
  reference: Digest;
}

/** Whether a key always names the same image, unlike a tag, which can move. */
export function isDigestKey(key: ImageKey): key is DigestKey {
  return isDigest(key.reference);
}

/**
 * The key of a reference; a reference with both tag and digest is keyed by the digest, which takes
 * precedence.
 */
export function imageKey(ref: Reference): ImageKey {
  return { registry: ref.registry, repository: ref.repository, reference: ref.digest ?? ref.tag ?? 'latest' };
}

/** `registry/repository:tag` or `registry/repository@digest`, as in `image` fields. */
export function formatImageKey(key: ImageKey): string {
  const { registry, repository } = key;
  return formatReference(
    isDigestKey(key)
      ? { registry, repository, digest: key.reference }
      : { registry, repository, tag: key.reference },
  );
}

/**
 * The stored part of a published mapping. The registry's address is not stored: it is looked up for
 * each request.
 */
export interface MappingRecord {
  /** The repository in the mirror registry, `mirror/docker.io/library/nginx`. */
  mirrorRepository: string;
  /** What the mirror holds. */
  digest: Digest;
  /**
   * What upstream's reference pointed to; differs from `digest` only if a platform filter made a
   * new index.
   */
  sourceDigest: Digest;
  mediaType: string;
  platforms: string[];
  /** All blobs and manifests, each once. */
  sizeBytes: number;
  pin: boolean;
  /** The region of the mirror registry. */
  region: string;
  /** When a resolve last saw upstream in this state, ISO 8601. */
  observedAt: string;
  /** When this digest was committed, ISO 8601. */
  mirroredAt: string;
  /** The job that published it. */
  job: string;
  /**
   * Which of its signatures, SBOMs and the like the mirror holds, as of the last look; absent if
   * there was none. A signature that is pushed later is recorded with the digest at once, and with
   * the tags that point to it when they are next published.
   */
  referrers?: ReferrersSummary;
  /**
   * Layers that the upstream does not serve itself and the mirror does not hold: nodes fetch them
   * from where the manifest says.
   */
  foreign?: Amount;
  /**
   * What was verified before it was mirrored; absent: its rule required nothing then. A manifest
   * below an index that was verified names the index's digest.
   */
  verified?: Verified;
  /** The fingerprint of the rule that required it. */
  verifiedUnder?: string;
}

/** What was verified, and the fingerprint of the rule that asked for it. */
export interface Evidence {
  verified: Verified;
  verifiedUnder: string;
}

/** Why, and when, a mapping was removed. */
export interface MappingRemoval {
  /**
   * What a look showed. In the mirror: the image was deleted or archived there, or it is still
   * there but the tag no longer is. `deleted_upstream`: the upstream no longer has the tag, and its
   * rule says `deleted: unmap`.
   */
  reason: 'deleted' | 'archived' | 'untagged' | 'deleted_upstream';
  /** When it was seen, ISO 8601. */
  at: string;
}

/** A published mapping as the table holds it. */
export interface StoredMapping {
  key: ImageKey;
  revision: number;
  mapping: MappingRecord;
}

/** A mapping as the API returns it. */
export interface Mapping {
  image: string;
  mirror: string;
  digest: Digest;
  pinned: string;
  sourceDigest: Digest;
  mediaType: string;
  platforms: string[];
  sizeBytes: number;
  pin: boolean;
  regions: Record<string, { mirror: string; digest: Digest }>;
  observedAt: string;
  mirroredAt: string;
  revision: number;
  job: string;
  referrers?: ReferrersSummary;
  foreign?: Amount;
  verified?: Verified;
}

/** The address of each region's mirror registry: region → host[:port]. */
export type RegistryHosts = Record<string, string>;

/**
 * A stored mapping in the API's form.
 *
 * @param region whose mirror reference to return; by default, the mapping's own region.
 * @returns undefined if the registry of that region does not hold the image.
 */
export function presentMapping(
  stored: StoredMapping,
  hosts: RegistryHosts,
  region?: string,
): Mapping | undefined {
  const { key, mapping, revision } = stored;
  const host = hosts[mapping.region];
  if (host === undefined || (region !== undefined && region !== mapping.region)) return undefined;
  const repository = `${host}/${mapping.mirrorRepository}`;
  const pinned = `${repository}@${mapping.digest}`;
  const mirror = isDigestKey(key) ? pinned : `${repository}:${key.reference}`;
  return {
    image: formatImageKey(key),
    mirror,
    digest: mapping.digest,
    pinned,
    sourceDigest: mapping.sourceDigest,
    mediaType: mapping.mediaType,
    platforms: mapping.platforms,
    sizeBytes: mapping.sizeBytes,
    pin: mapping.pin,
    regions: { [mapping.region]: { mirror, digest: mapping.digest } },
    observedAt: mapping.observedAt,
    mirroredAt: mapping.mirroredAt,
    revision,
    job: mapping.job,
    ...(mapping.referrers === undefined ? {} : { referrers: mapping.referrers }),
    ...(mapping.foreign === undefined ? {} : { foreign: mapping.foreign }),
    ...(mapping.verified === undefined ? {} : { verified: mapping.verified }),
  };
}
