import type { ImageKey, MappingRecord, StoredMapping } from '../../mapping/record.ts';
import type { CommittedResolve, TagState } from '../../mapping/store.ts';

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
  /** Made anew with each publication. */
  publication?: string;
  /** Whether lists show it: published for its own sake, not only as the digest of a tag. */
  listed?: boolean;
}

/** The key of a tag's or digest's item. */
export function tagItemKey(key: ImageKey): TagItemKey {
  return { pk: `repo#${key.registry}/${key.repository}`, sk: `ref#${key.reference}` };
}

/** A published mapping out of its item; undefined where nothing was published. */
export function storedMapping(item: TagItem): StoredMapping | undefined {
  if (!item.mapping) return undefined;
  const name = item.pk.slice('repo#'.length);
  const slash = name.indexOf('/');
  return {
    key: {
      registry: name.slice(0, slash),
      repository: name.slice(slash + 1),
      reference: item.sk.slice('ref#'.length),
    },
    revision: item.revision ?? 0,
    mapping: item.mapping,
  };
}

/** What an item says of its tag; counters that were never raised are 0. */
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
  };
}
