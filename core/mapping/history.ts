import type { Digest } from '../oci/digest.ts';
import {
  formatImageKey,
  type Mapping,
  type MappingRemoval,
  presentMapping,
  type RegistryHosts,
  type TagKey,
} from './record.ts';
import type { HistoryEntry } from './store.ts';

/** A tag's history as the API returns it, the latest entry first. */
export interface History {
  image: string;
  history: PastMapping[];
}

/** One entry: the mapping as it was, without what only makes sense while it is current. */
export interface PastMapping
  extends Pick<
    Mapping,
    | 'digest'
    | 'pinned'
    | 'sourceDigest'
    | 'mediaType'
    | 'platforms'
    | 'sizeBytes'
    | 'pin'
    | 'observedAt'
    | 'mirroredAt'
    | 'revision'
    | 'job'
    | 'verified'
  > {
  current: boolean;
  replacedAt?: string;
  removed?: MappingRemoval;
}

/** A history in the API's form. Entries whose region has no known registry are left out. */
export function presentHistory(key: TagKey, entries: HistoryEntry[], hosts: RegistryHosts): History {
  return {
    image: formatImageKey(key),
    history: entries.flatMap((entry) => presentEntry(key, entry, hosts) ?? []),
  };
}

function presentEntry(key: TagKey, entry: HistoryEntry, hosts: RegistryHosts): PastMapping | undefined {
  const { revision, replacedAt, removed } = entry;
  const mapping = presentMapping({ key, revision, mapping: entry.mapping }, hosts);
  if (mapping === undefined) return undefined;
  const { digest, pinned, sourceDigest, mediaType, platforms, sizeBytes, pin } = mapping;
  const { observedAt, mirroredAt, job, verified } = mapping;
  const image = { digest, pinned, sourceDigest, mediaType, platforms, sizeBytes, pin };
  return {
    ...image,
    observedAt,
    mirroredAt,
    ...(replacedAt !== undefined && { replacedAt }),
    revision,
    job,
    current: replacedAt === undefined,
    ...(verified && { verified }),
    ...(removed && { removed: { reason: removed.reason, at: removed.at } }),
  };
}

/** The latest entry of a digest: what a rollback to it publishes. */
export function pastMappingOf(entries: HistoryEntry[], digest: Digest): HistoryEntry | undefined {
  return entries.find(({ mapping }) => mapping.digest === digest);
}
