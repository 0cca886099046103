import { isDeepStrictEqual } from 'node:util';
import { wait } from '../async/wait.ts';
import { DrayageError, type Retry } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import { formatImageKey, type ImageKey, isDigestKey, type MappingRecord } from './record.ts';
import type { CommittedResolve, Lease, MappingStore } from './store.ts';

/** How the attempt to move a tag ended. */
export type PublishOutcome =
  /** `replaced`: the digest that the tag pointed to before, if it was another one. */
  | { kind: 'published'; revision: number; replaced?: Digest }
  /** The resolve found what is already mapped, with what belongs to it, and the mirror has it. */
  | { kind: 'confirmed' }
  /**
   * A resolve that began later has committed its outcome, or the tag is pinned: ours must not
   * overwrite it.
   */
  | { kind: 'superseded'; reason: string };

export interface PublishRequest {
  key: ImageKey;
  /** The ID of the job that holds the lease. */
  owner: string;
  resolve: CommittedResolve;
  /** The whole mapping; `mirroredAt` is kept from the old one if the digest did not change. */
  mapping: MappingRecord;
  /**
   * Moves the tag in the mirror registry and reads it back. Called with the lease held and checked.
   */
  moveTag: () => Promise<void>;
  signal?: AbortSignal;
}

/** A lease lasts this long unless renewed; it is held only around the commit. */
const leaseMs = 30_000;
const renewEveryMs = 10_000;
/** Longer than one lease: within this wait, a crashed holder's lease expires. */
const acquireWithinMs = 45_000;
const acquireEveryMs = 250;

/**
 * Moves a tag and publishes its mapping, exclusively.
 *
 * The lease keeps two jobs from moving the tag at the same time; the fencing number, checked right
 * before the tag is put, and the condition on the revision keep a job that has lost its lease
 * without noticing from publishing.
 *
 * @throws LeaseError if the lease could not be acquired or was lost: another attempt may succeed.
 *   The signal's reason if it aborts while waiting for the lease.
 */
export async function publishMapping(store: MappingStore, request: PublishRequest): Promise<PublishOutcome> {
  const { key, resolve } = request;
  const lease = await waitForLease(store, request);
  let held = true;
  const renewing = setInterval(() => {
    store.renewLease(key, lease, leaseMs).then(
      (still) => {
        held &&= still;
      },
      () => {
        held = false; // unknown counts as lost: the condition of the next write decides
      },
    );
  }, renewEveryMs);
  try {
    const { state } = lease;
    if (state.committed && state.committed.resolve > resolve.resolve) {
      return await freed(store, key, lease, 'a later look at upstream has already been committed');
    }
    if (state.mapping?.pin) return await freed(store, key, lease, 'the mapping is pinned to another digest');
    if (!(await store.renewLease(key, lease, leaseMs))) throw new LeaseError(key);
    await request.moveTag();
    if (!held) throw new LeaseError(key);
    return await write(store, lease, request);
  } catch (error) {
    // Best effort: if this fails, too, the lease expires by itself.
    await store.releaseLease(key, lease).catch(() => {});
    throw error;
  } finally {
    clearInterval(renewing);
  }
}

async function write(store: MappingStore, lease: Lease, request: PublishRequest): Promise<PublishOutcome> {
  const { key, mapping, resolve } = request;
  const before = lease.state.mapping;
  if (before && sameContent(before, mapping)) {
    if (!(await store.confirm(key, lease, resolve, mapping.observedAt))) throw new LeaseError(key);
    return { kind: 'confirmed' };
  }
  const published = before?.digest === mapping.digest ? continued(before, mapping) : mapping;
  if (isDigestKey(key)) return { kind: 'published', revision: await publish() };
  const putDigest = () =>
    store.putDigest({ ...key, reference: mapping.digest }, { ...published, sourceDigest: mapping.digest });
  // First the digest, which never conflicts: once the tag is published, both are there.
  const wasMapped = await putDigest();
  const revision = await publish();
  // Another tag that moved away may have let it expire before this one was published.
  if (wasMapped) await putDigest();
  const isReplaced = before !== undefined && before.digest !== mapping.digest;
  return { kind: 'published', revision, ...(isReplaced && { replaced: before.digest }) };

  async function publish(): Promise<number> {
    const revision = await store.publish(key, lease, published, resolve);
    if (revision !== undefined) return revision;
    // A job of a tag may have put the digest's mapping meanwhile, which says the same.
    const state = isDigestKey(key) ? await store.read(key) : undefined;
    const isOurs = state?.fence === lease.fence;
    const second = isOurs ? await store.publish(key, { ...lease, state }, published, resolve) : undefined;
    if (second === undefined) throw new LeaseError(key);
    return second;
  }
}

/**
 * The mapping of a digest that was mapped before: parts that the job did not check stay the same.
 */
function continued(before: MappingRecord, mapping: MappingRecord): MappingRecord {
  const referrers = mapping.referrers ?? before.referrers;
  return { ...mapping, mirroredAt: before.mirroredAt, ...(referrers === undefined ? {} : { referrers }) };
}

function sameContent(before: MappingRecord, mapping: MappingRecord): boolean {
  return (
    before.digest === mapping.digest &&
    before.sourceDigest === mapping.sourceDigest &&
    before.mirrorRepository === mapping.mirrorRepository &&
    before.region === mapping.region &&
    (mapping.referrers === undefined || isDeepStrictEqual(before.referrers, mapping.referrers))
  );
}

async function freed(
  store: MappingStore,
  key: ImageKey,
  lease: Lease,
  reason: string,
): Promise<PublishOutcome> {
  await store.releaseLease(key, lease);
  return { kind: 'superseded', reason };
}

async function waitForLease(store: MappingStore, { key, owner, signal }: PublishRequest): Promise<Lease> {
  const until = Date.now() + acquireWithinMs;
  for (;;) {
    const lease = await store.acquireLease(key, owner, leaseMs);
    if (lease) return lease;
    if (Date.now() >= until) throw new LeaseError(key);
    await wait(acquireEveryMs, signal);
  }
}

/** Another job is moving the tag. This job must look again. */
export class LeaseError extends DrayageError {
  override readonly name = 'LeaseError';
  readonly code = 'TAG_BUSY';
  readonly side = 'mirror';
  readonly remedy = 'none needed: the job looks again by itself';
  readonly retry: Retry = { kind: 'backoff' };

  constructor(key: ImageKey) {
    super(`another job is moving ${formatImageKey(key)}`);
  }
}
