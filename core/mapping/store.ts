import type { ReferrersSummary } from '../copy/referrers/referrers.ts';
import type { Digest } from '../oci/digest.ts';
import type { DigestKey, ImageKey, MappingRecord, RegistryHosts, StoredMapping } from './record.ts';

/** What the table knows about one tag or digest. */
export interface TagState {
  /** How many events have named it. */
  events: number;
  /**
   * The job of the latest event; it may not be recorded (yet). Later looks are not counted here.
   */
  lastJob?: string;
  /** How many resolves have begun; gives each resolve its place in time. */
  resolves: number;
  /** Counts the leases that were taken: the fencing number of the latest. */
  fence: number;
  /** Counts the publications of the mapping. */
  revision: number;
  /** The latest resolve whose outcome was committed. */
  committed?: CommittedResolve;
  /** The job that takes one more look, while it waits. */
  recheck?: string;
  mapping?: MappingRecord;
}

/** What a resolve knew when it began, kept once its outcome is committed. */
export interface CommittedResolve {
  /** The event counter when the resolve began: jobs with a number up to this are satisfied. */
  event: number;
  /** The number of the resolve: an older one must not overwrite its outcome. */
  resolve: number;
  /** The policy that it followed; under another one, the same events have to be looked at again. */
  fingerprint: string;
  /** What upstream's reference pointed to. */
  sourceDigest: Digest;
}

/** The right to move a tag, for a short time. */
export interface Lease {
  /** Only the holder of the latest number may write. */
  fence: number;
  /** The tag as it was when the lease was taken: publishing is on condition of its revision. */
  state: TagState;
}

/**
 * Tags and their mappings. Every write is one conditional write of one item; every read is strongly
 * consistent. A store that can't be reached rejects; a condition that does not hold is an answer,
 * not an error.
 */
export interface MappingStore {
  /** Counts one more event, whose job will be this one, and returns its number. */
  raiseEvent(key: ImageKey, job: string): Promise<number>;
  /**
   * Counts one more event for a later look, unless one is waiting already: then undefined. A note
   * older than ten minutes does not count as waiting, nor does that of the job `replaced`: whoever
   * made it may have died before it parked the job.
   */
  raiseRecheck(key: ImageKey, job: string, now: Date, replaced?: string): Promise<number | undefined>;
  /** Forgets the waiting look if it is this job's. */
  clearRecheck(key: ImageKey, job: string): Promise<void>;
  read(key: ImageKey): Promise<TagState | undefined>;
  /**
   * Notes that a resolve begins; the returned state holds its number (`resolves`) and the event
   * counter.
   */
  beginResolve(key: ImageKey): Promise<TagState>;

  /** Takes the tag's lease for `ttlMs`, or undefined while somebody else's has not run out. */
  acquireLease(key: ImageKey, owner: string, ttlMs: number): Promise<Lease | undefined>;
  /** Whether the lease is still the latest; if so, it lasts `ttlMs` from now. */
  renewLease(key: ImageKey, lease: Lease, ttlMs: number): Promise<boolean>;
  releaseLease(key: ImageKey, lease: Lease): Promise<void>;
  /**
   * Publishes on condition of fence and revision, and frees the lease; the new revision, or
   * undefined if somebody else wrote.
   */
  publish(
    key: ImageKey,
    lease: Lease,
    mapping: MappingRecord,
    committed: CommittedResolve,
  ): Promise<number | undefined>;
  /** Notes, under the same conditions, that a resolve found what is mapped already. */
  confirm(key: ImageKey, lease: Lease, committed: CommittedResolve, observedAt: string): Promise<boolean>;
  /**
   * Records what a digest is mapped to. That can't change, so it needs no lease; it is not listed.
   *
   * @returns whether it was mapped before
   */
  putDigest(key: DigestKey, mapping: MappingRecord): Promise<boolean>;
  /** Records what belongs to a digest, if the digest is mapped to itself. */
  noteReferrers(key: DigestKey, referrers: ReferrersSummary): Promise<void>;
  /**
   * Lets a digest's mapping expire at a time, unless a tag of its repository is mapped to it or it
   * was published for its own sake. Whoever maps a tag to it again calls {@link putDigest} before
   * and, if it was there, after.
   *
   * @returns whether it will expire
   */
  retireDigest(key: DigestKey, expiresAt: Date): Promise<boolean>;

  /**
   * The published mappings of many keys, each once and in no order; keys without one are left out.
   */
  readMany(keys: ImageKey[]): Promise<StoredMapping[]>;
  /** Published mappings in order of `registry/repository` and then of reference, by their bytes. */
  list(query: MappingQuery): Promise<{ mappings: StoredMapping[]; cursor?: string }>;

  /** Where the mirror registries are reached. */
  registryHosts(): Promise<RegistryHosts>;
  putRegistryHost(region: string, host: string): Promise<void>;
}

export interface MappingQuery {
  registry?: string;
  repository?: string;
  limit: number;
  /** Whether a mapping still fits into the page; the first that does not starts the next. */
  fits?: (stored: StoredMapping) => boolean;
  /** As a former answer gave it. A cursor that no answer gave is an InvalidCursorError. */
  cursor?: string;
}

/** The cursor of a request is not one that we gave. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError';
  constructor() {
    super('cursor is not one that an answer gave: leave it out to begin at the start');
  }
}
