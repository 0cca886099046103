import type { Upstream } from '../config/config.ts';
import type { CallOptions } from '../copy/ports.ts';
import type { UpstreamGate } from '../jobs/ports.ts';
import type { MappingStore } from '../mapping/store.ts';
import type { Digest } from '../oci/digest.ts';
import type { ListedTag } from '../registry/operations/lists/tags.ts';
import type { LossDependencies } from '../registry-events/ports.ts';
import type { Place, Round, RoundsSummary, Search } from './round.ts';

/**
 * Lists a repository's tags, with digests where the upstream tells them in a list.
 *
 * @throws RegistryError if the list is not complete
 */
export type TagLister = (
  upstream: Upstream,
  repository: string,
  signal: AbortSignal,
) => AsyncIterable<ListedTag>;

/** The upstreams, as far as a comparison needs them. */
export interface UpstreamLists {
  listTags: TagLister;
  /** All repositories of an upstream. @throws RegistryError if it does not list them */
  listRepositories(upstream: Upstream, signal: AbortSignal): AsyncIterable<string>;
  /**
   * What a tag points to; undefined if there is no such tag, or if the registry does not tell the
   * digest.
   */
  tagDigest(
    upstream: Upstream,
    repository: string,
    tag: string,
    signal: AbortSignal,
  ): Promise<Digest | undefined>;
  /** Whether a tag exists. @throws RegistryError unless the upstream says yes or no */
  hasTag(upstream: Upstream, repository: string, tag: string, signal: AbortSignal): Promise<boolean>;
}

/** A round that is due, and what must go when it has ended. */
export interface DueRound {
  round: Round;
  notes: string[];
}

/**
 * When which repository is compared. As for parked jobs, a note for a time leads to a record, and
 * the record decides: a note that it does not confirm is dropped.
 */
export interface ReconcileStore {
  /**
   * Takes or renews the right to compare, for `ttlMs`; false while another owner has it. It only
   * avoids double work: two comparisons at once do no harm.
   */
  lock(owner: string, ttlMs: number, now: Date): Promise<boolean>;
  unlock(owner: string): Promise<void>;

  readSearch(registry: string): Promise<Search | undefined>;
  /** Records a search; a request that came meanwhile stays. */
  saveSearch(search: Search): Promise<void>;
  /** Asks for a search now, and for a round of every repository that it finds. */
  requestSearch(registry: string, at: string): Promise<void>;

  read(place: Place): Promise<Round | undefined>;
  /**
   * Records a round and notes its `dueAt`; a request that came meanwhile stays.
   *
   * @param done the notes that led to it
   */
  save(round: Round, done?: readonly string[]): Promise<void>;
  /** Asks for a round now. */
  request(place: Place, at: string): Promise<void>;
  /** The rounds of an upstream that are due, the longest due first. */
  due(registry: string, now: string, limit: number): Promise<DueRound[]>;
  /** Removes a round and its notes. */
  forget(due: DueRound): Promise<void>;

  /** Records when a round of an upstream was finished last. */
  noteFinished(registry: string, at: string): Promise<void>;
  /** How an upstream's rounds are doing, with a fixed number of reads. */
  summary(registry: string, now: string): Promise<RoundsSummary>;
}

/** What comparing upstreams with the mirror works with. */
export interface ReconcileDependencies extends LossDependencies {
  store: ReconcileStore;
  mappings: MappingStore;
  upstreams: UpstreamLists;
  gate: UpstreamGate;
  /** What the tags of a mirror repository point to; empty if there is no such repository. */
  mirrorTags: (repository: string, signal: AbortSignal) => Promise<Map<string, string | undefined>>;
  /** The names of the mirror's repositories below a prefix. */
  mirrorRepositories: (prefix: string, signal: AbortSignal) => AsyncIterable<string>;
  /** Puts the settings of a mirror repository right; never rejects. */
  keepInLine: (repository: string, options: CallOptions) => Promise<void>;
  /** How many jobs are in the mirror queue, about. */
  backlog: () => Promise<number>;
  now: () => Date;
  /** How to wait, milliseconds; rejects when the signal aborts. */
  pause?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
}

/** How long a comparison may go on. */
export interface Limits {
  /** Past this time, milliseconds since 1970, nothing new is begun. */
  endsAt: number;
  signal: AbortSignal;
}
