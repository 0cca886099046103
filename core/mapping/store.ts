import type { ReferrersSummary } from '../copy/referrers/referrers.ts';
import type { Digest } from '../oci/digest.ts';
import type {
  DigestKey,
  ImageKey,
  MappingRecord,
  MappingRemoval,
  RegistryHosts,
  StoredMapping,
  TagKey,
} from './record.ts';

/** What the table knows about one tag or digest. */
export interface TagState {
  /** How many events have named it. */
  events: number;
  /**
   * The job of the latest event; it may not be recorded (yet). Jobs of later looks are not stored
   * here.
   */
  lastJob?: string;
  /** How many resolves have begun; gives resolves their order. */
  resolves: number;
  /** Counts the leases taken: the fencing number of the latest one. */
  fence: number;
  /** Counts the publications of the mapping. */
  revision: number;
  /** The latest resolve whose outcome was committed. */
  committed?: CommittedResolve;
  /** The job of a later look, while it is waiting. */
  recheck?: string;
  mapping?: MappingRecord;
  /** The mapping that was removed last, while there is no other. */
  removed?: RemovedMapping;
  /** Changes whenever a digest is mapped again, by any tag or in its own right. */
  claim?: string;
  /** Of a digest: until when retention may delete its image, milliseconds since 1970. */
  retiringUntil?: number;
  /** Of a digest: how often retention has begun to delete its image. */
  retirements?: number;
  /**
   * Of a digest: whether retention has begun to delete its image, and nobody has mapped it since.
   * So no tag is mapped to it.
   */
  isRetired?: boolean;
}

/**
 * Says which lease a digest is being mapped under: until it is published, nobody else can tell that
 * a tag will point to it.
 */
export interface DigestWriter {
  /** The tag and the number of its lease. */
  tag: string;
  fence: number;
  phase: 'begin' | 'end';
  /** Of the digest, before its image was put; undefined: none. Matters only at the beginning. */
  retirements?: number | undefined;
}

/**
 * Stands for the leases that did not fit into a digest's item: they are not known, so retention
 * never deletes its image. `*` is not a tag.
 */
export const unknownWriter: Pick<DigestWriter, 'tag' | 'fence'> = {
  tag: '*',
  fence: Number.MAX_SAFE_INTEGER,
};

/** A mapping that is no longer there, and why. If it was pinned, the tag stays pinned. */
export interface RemovedMapping extends MappingRemoval {
  mapping: MappingRecord;
}

/** A tag that is mapped or pinned. */
export interface MappedTag {
  tag: string;
  /** What the upstream's tag pointed to; absent: the mapping was removed, but the tag is pinned. */
  sourceDigest?: Digest;
  /** What the mirror's tag points to. */
  digest: Digest;
  mirrorRepository: string;
  pin: boolean;
  /** The policy of the latest committed resolve. */
  fingerprint?: string;
}

/** What a tag was mapped to, for a while. */
export interface HistoryEntry {
  /** The revision of the mapping that it was published as. */
  revision: number;
  mapping: MappingRecord;
  /** When another mapping took its place, or it was removed, ISO 8601; absent: it is current. */
  replacedAt?: string;
  /** If it was removed rather than replaced: why. */
  removed?: MappingRemoval;
}

/** What was known about a digest before it was mapped. */
export interface FormerDigest {
  /** Whether the manifests below it are recorded, and stay. */
  isComplete: boolean;
  /** The fingerprint of the rule under which it was verified; absent: none was recorded. */
  verifiedUnder?: string | undefined;
}

/** Counts what lists of mappings may have missed. */
export interface MappingChanges {
  /** Raised before mappings are published or removed. */
  count: number;
  /** When it was raised last, ISO 8601; empty: never. */
  at: string;
}

/**
 * A writer raises {@link MappingChanges}, then publishes or removes mappings for this long, in
 * milliseconds. A list that was begun later than this after the last change misses nothing.
 */
export const changesSettleMs = 60_000;

/** What a resolve knew when it began, kept once its outcome is committed. */
export interface CommittedResolve {
  /** The event counter when the resolve began: jobs with a number up to this are satisfied. */
  event: number;
  /** The number of the resolve: an older one must not overwrite its outcome. */
  resolve: number;
  /**
   * The policy that it followed; under a different one, the same events must be looked at again.
   */
  fingerprint: string;
  /** What upstream's reference pointed to. */
  sourceDigest: Digest;
}

/** The right to move a tag, for a short time. */
export interface Lease {
  /** Only the holder of the latest number may write. */
  fence: number;
  /** The tag as it was when the lease was taken: publishing is conditional on its revision. */
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
   * Counts one more event for a later look, unless one is already waiting: then undefined. A note
   * older than ten minutes does not count as waiting, nor does the note of the job `replaced`: its
   * creator may have died before it parked the job.
   */
  raiseRecheck(key: ImageKey, job: string, now: Date, replaced?: string): Promise<number | undefined>;
  /** Removes the waiting look if it belongs to this job. */
  clearRecheck(key: ImageKey, job: string): Promise<void>;
  read(key: ImageKey): Promise<TagState | undefined>;
  /**
   * Records that a resolve begins; the returned state holds its number (`resolves`) and the event
   * counter.
   */
  beginResolve(key: ImageKey): Promise<TagState>;

  /**
   * Takes the tag's lease for `ttlMs`, or undefined while another owner's lease has not expired.
   */
  acquireLease(key: ImageKey, owner: string, ttlMs: number): Promise<Lease | undefined>;
  /** Whether the lease is still the latest; if so, it lasts `ttlMs` from now. */
  renewLease(key: ImageKey, lease: Lease, ttlMs: number): Promise<boolean>;
  releaseLease(key: ImageKey, lease: Lease): Promise<void>;
  /**
   * Publishes on condition of fence and revision, and releases the lease. The mapping of a tag that
   * it replaces goes into the history first. Returns the new revision, or undefined if another
   * writer was first.
   *
   * @param committed absent: the latest resolve stays what it was
   */
  publish(
    key: ImageKey,
    lease: Lease,
    mapping: MappingRecord,
    committed: CommittedResolve | undefined,
  ): Promise<number | undefined>;
  /** Records, under the same conditions, that a resolve found what is already mapped. */
  confirm(key: ImageKey, lease: Lease, committed: CommittedResolve, observedAt: string): Promise<boolean>;
  /**
   * Removes a mapping on condition of fence and revision, and releases the lease. The mapping of a
   * tag goes into the history first. Returns the new revision, or undefined if another writer was
   * first.
   */
  unmap(key: ImageKey, lease: Lease, removal: MappingRemoval): Promise<number | undefined>;
  /** Forgets the mapping that was removed last, on condition of the fence. */
  forgetRemoved(key: ImageKey, lease: Lease): Promise<void>;
  /**
   * What a tag is and was mapped to, the latest first. What was replaced or removed is kept for the
   * configured history.
   */
  history(key: TagKey): Promise<HistoryEntry[]>;
  /**
   * Records what a digest is mapped to. That can't change, so it needs no lease. The mapping is not
   * listed.
   *
   * @param writer which tag will point to it, or now does
   * @returns what was recorded before; undefined, and nothing is recorded, if retention deletes the
   *   image, or may have deleted what the writer has put
   */
  putDigest(key: DigestKey, mapping: MappingRecord, writer?: DigestWriter): Promise<FormerDigest | undefined>;
  /**
   * Records what the manifests below an index are mapped to, after the index itself. They stay as
   * long as one of the indexes that name them does.
   *
   * @param children absent: those that were recorded before stay
   */
  putChildren(parent: DigestKey, children: MappingRecord[] | undefined): Promise<void>;
  /**
   * Removes what a digest is mapped to, on condition that nobody has mapped it again since its
   * `claim` was read.
   *
   * @returns whether it was removed
   */
  unmapDigest(key: DigestKey, claim: string | undefined): Promise<boolean>;
  /** Records what belongs to a digest, if the digest is mapped to itself. */
  noteReferrers(key: DigestKey, referrers: ReferrersSummary): Promise<void>;
  /**
   * Lets a digest's mapping expire at a time, unless a tag of its repository is mapped to it or it
   * was published in its own right. To map a tag to it again, callers call {@link putDigest} before
   * and after.
   *
   * @returns whether it will expire
   */
  retireDigest(key: DigestKey, expiresAt: Date): Promise<boolean>;

  /**
   * The published mappings of many keys, each once, in no particular order; keys without one are
   * left out.
   */
  readMany(keys: ImageKey[]): Promise<StoredMapping[]>;
  /** The mappings of all tags of a repository, in order of tag. */
  tagsOf(repository: Pick<ImageKey, 'registry' | 'repository'>): Promise<StoredMapping[]>;
  /**
   * The tags of a repository that are mapped or pinned, in order of tag: read as they are taken,
   * with what a comparison needs.
   */
  mappedTags(repository: Pick<ImageKey, 'registry' | 'repository'>): AsyncIterable<MappedTag>;
  /** The repositories of an upstream that ever had a mapping. */
  repositoriesOf(registry: string): AsyncIterable<string>;
  /** The upstream repository whose images a mirror repository holds, if any was published there. */
  upstreamOf(mirrorRepository: string): Promise<Pick<ImageKey, 'registry' | 'repository'> | undefined>;
  /** Published mappings in order of `registry/repository` and then of reference, by their bytes. */
  list(query: MappingQuery): Promise<{ mappings: StoredMapping[]; cursor?: string }>;
  /** All that {@link list} shows, in its order, read as it is taken. */
  all(): AsyncIterable<StoredMapping>;

  /** The addresses of the mirror registries. */
  registryHosts(): Promise<RegistryHosts>;
  putRegistryHost(region: string, host: string): Promise<void>;
  /** How often mappings have changed; read it before a list that must not miss anything. */
  changes(): Promise<MappingChanges>;
}

export interface MappingQuery {
  registry?: string;
  repository?: string;
  limit: number;
  /** Whether a mapping still fits into the page; the first that does not starts the next. */
  fits?: (stored: StoredMapping) => boolean;
  /** From an earlier answer. Any other cursor is an InvalidCursorError. */
  cursor?: string;
}

/** The cursor of a request is not one that we gave. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError';
  constructor() {
    super('the cursor does not come from an earlier answer: leave it out to start at the beginning');
  }
}
