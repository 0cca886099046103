import {
  type ImageKey,
  isDigestKey,
  type MappingRecord,
  type StoredMapping,
} from '../../../mapping/record.ts';
import type { CommittedResolve, RemovedMapping, TagState } from '../../../mapping/store.ts';
import type { Digest } from '../../../oci/digest.ts';

export interface TagItemKey {
  pk: string;
  sk: string;
}

/** The item of a tag or digest. */
export interface TagItem extends TagItemKey {
  events?: number;
  lastJob?: string;
  resolves?: number;
  fence?: number;
  revision?: number;
  committed?: CommittedResolve;
  recheck?: string;
  recheckAt?: number;
  leaseOwner?: string;
  leaseUntil?: number;
  mapping?: MappingRecord;
  /** New with each publication. */
  publication?: string;
  /** Whether lists show it: published in its own right, not only as the digest of a tag. */
  listed?: boolean;
  /** New each time that the item is mapped again: by a tag, by an index, or in its own right. */
  claim?: string;
  /** The mapping that was removed, until another one is published. */
  removed?: RemovedMapping;
  /** Of an index: the manifests below it, which have items of their own. */
  children?: Digest[];
  /** Of a manifest below indexes: those that are mapped. */
  parents?: Set<Digest>;
  /** Of a digest: the leases under which tags are being pointed to it ({@link publishingToken}). */
  publishing?: Set<string>;
  /**
   * Of a digest: who deletes its image from the mirror, and until when, milliseconds since 1970.
   */
  retiring?: string;
  retiringUntil?: number;
  /** Of a digest: how often that was begun. */
  retirements?: number;
  /** When DynamoDB may delete it, seconds since 1970. */
  expiresAt?: number;
}

/**
 * Digests have a range of their own, so that listing a repository's tags does not read every digest
 * that they ever pointed to.
 */
const [tagPrefix, digestPrefix] = ['ref#', 'digest#'];

/** The key of a tag's or digest's item. */
export function tagItemKey(key: ImageKey): TagItemKey {
  const { registry, repository, reference } = key;
  const prefix = isDigestKey(key) ? digestPrefix : tagPrefix;
  return { pk: repositoryPartition(`${registry}/${repository}`), sk: `${prefix}${reference}` };
}

/** The partition of a repository, `registry/repository`. */
export function repositoryPartition(name: string): string {
  return `repo#${name}`;
}

/**
 * The sort key of a repository's listed items: tags, and markers of the digests that were published
 * in their own right.
 */
export function listedSortKey(reference: string): string {
  return `${tagPrefix}${reference}`;
}

/** The published mapping in an item; undefined if nothing was published. */
export function storedMapping(item: TagItem): StoredMapping | undefined {
  if (!item.mapping) return undefined;
  return { key: imageKeyOf(item), revision: item.revision ?? 0, mapping: item.mapping };
}

/** The image that an item is about. */
export function imageKeyOf({ pk, sk }: TagItemKey): ImageKey {
  const name = pk.slice('repo#'.length);
  const slash = name.indexOf('/');
  return {
    registry: name.slice(0, slash),
    repository: name.slice(slash + 1),
    reference: sk.slice(sk.indexOf('#') + 1),
  };
}

/** The state of a tag in its item; counters that were never incremented are 0. */
export function tagState(item: TagItem): TagState {
  return {
    events: item.events ?? 0,
    lastJob: item.lastJob,
    resolves: item.resolves ?? 0,
    fence: item.fence ?? 0,
    revision: item.revision ?? 0,
    committed: item.committed,
    recheck: item.recheck,
    mapping: item.mapping,
    removed: item.removed,
    claim: item.claim,
    retiringUntil: item.retiringUntil,
    retirements: item.retirements,
    ...(item.claim?.startsWith(retiredClaim) && { isRetired: true }),
  };
}

/** Begins the claims that retention makes; whoever maps the digest makes another one. */
export const retiredClaim = 'retired ';

/** Names a lease of a tag. A tag contains no space. */
export function publishingToken({ fence, tag }: { fence: number; tag: string }): string {
  return `${fence} ${tag}`;
}

/** The lease that a token names. */
export function leaseOfToken(token: string): { fence: number; tag: string } {
  const space = token.indexOf(' ');
  return { fence: Number(token.slice(0, space)), tag: token.slice(space + 1) };
}

/** A set in an item has at most so many members: an item has 400 KB at most. */
export const mostInSet = 500;

/**
 * The condition that a set has room for one more, with {@link mostInSet} as `:most`. What does not
 * fit is replaced by a member that is never removed, so that what the set protects stays.
 */
export function hasRoom(attribute: 'parents' | 'publishing'): string {
  return `(attribute_not_exists(${attribute}) OR size(${attribute}) < :most)`;
}

/**
 * The condition that retention does not delete the image of a digest now. A mark whose time is up
 * was left by a run that died.
 */
export const notRetiring = '(attribute_not_exists(retiringUntil) OR retiringUntil < :now)';

/** The same, and that it has not been deleted since somebody has put it. */
export function staysSince(retirements: number | undefined): {
  condition: string;
  values: Record<string, unknown>;
} {
  const isSame =
    retirements === undefined ? 'attribute_not_exists(retirements)' : 'retirements = :retirements';
  return {
    condition: `${notRetiring} AND ${isSame}`,
    values: { ':now': Date.now(), ...(retirements !== undefined && { ':retirements': retirements }) },
  };
}
