import { isDeepStrictEqual } from 'node:util';
import type { Digest } from '../oci/digest.ts';
import { type HeldLease, LeaseError, withLease } from './lease.ts';
import { type DigestKey, type ImageKey, isDigestKey, type MappingRecord } from './record.ts';
import { RetiringError } from './retiring.ts';
import type { CommittedResolve, Lease, MappingStore, TagState } from './store.ts';

/** How the attempt to move a tag ended. */
export type PublishOutcome =
  | Published
  /** The resolve found what is already mapped, with what belongs to it, and the mirror has it. */
  | { kind: 'confirmed' }
  /**
   * A resolve that began later has committed its outcome, or the tag is pinned: ours must not
   * overwrite it.
   */
  | {
      kind: 'superseded';
      reason: string;
      /** What is mapped instead. */
      by?: MappingRecord | undefined;
    };

/** A new mapping was published. */
export interface Published {
  kind: 'published';
  /** As it is stored. */
  mapping: MappingRecord;
  revision: number;
  /** The digest that the tag pointed to before, if it was another one. */
  replaced?: Digest;
  /** What the tag was mapped to before, if it was another digest. */
  before?: MappingRecord;
}

export interface PublishRequest {
  key: ImageKey;
  /** The ID of the job that holds the lease. */
  owner: string;
  resolve: CommittedResolve;
  /** The whole mapping; `mirroredAt` is kept from the old one if the digest did not change. */
  mapping: MappingRecord;
  /** What the manifests below the image are mapped to. Absent: they are mapped already. */
  children?: MappingRecord[] | undefined;
  /**
   * Moves the tag in the mirror registry and reads it back. Called with the lease held and checked.
   */
  moveTag: () => Promise<void>;
  signal?: AbortSignal;
}

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
  return await withLease(store, request, async (held) => {
    const { state, lease } = held;
    const reason = isPinned(state)
      ? 'the tag is pinned'
      : state.committed && state.committed.resolve > resolve.resolve
        ? 'a later look at upstream has already been committed'
        : undefined;
    if (reason !== undefined) {
      await store.releaseLease(key, lease);
      return { kind: 'superseded', reason, by: state.mapping };
    }
    const [retirements] = await Promise.all([requireStays(store, key, request.mapping), held.confirm()]);
    await request.moveTag();
    held.expectHeld();
    return await write(store, lease, { ...request, retirements });
  });
}

/** Whether a tag stays what it is, whatever upstream shows; also if its image was lost since. */
export function isPinned({ mapping, removed }: Pick<TagState, 'mapping' | 'removed'>): boolean {
  return (mapping ?? removed?.mapping)?.pin === true;
}

/**
 * Before the mirror's tag is moved: retention does not delete the image now. If it begins to
 * afterwards, the publication is refused, also if it is done by then.
 *
 * @returns how often it has begun to so far
 * @throws RetiringError
 */
async function requireStays(
  store: MappingStore,
  key: ImageKey,
  { digest }: Pick<MappingRecord, 'digest'>,
): Promise<number | undefined> {
  const { retiringUntil = 0, retirements } = (await store.read({ ...key, reference: digest })) ?? {};
  if (retiringUntil > Date.now()) throw new RetiringError(digest);
  return retirements;
}

async function write(
  store: MappingStore,
  lease: Lease,
  request: PublishRequest & Pick<LeasedPublication, 'retirements'>,
): Promise<PublishOutcome> {
  const { key, mapping, resolve } = request;
  const before = lease.state.mapping;
  if (before && sameContent(before, mapping)) {
    if (!(await store.confirm(key, lease, resolve, mapping.observedAt))) throw new LeaseError(key);
    return { kind: 'confirmed' };
  }
  const published = before?.digest === mapping.digest ? continued(before, mapping) : mapping;
  return await publishWithDigest(store, lease, { ...request, mapping: published });
}

/** A mapping to publish under a lease. */
export interface LeasedPublication extends Pick<PublishRequest, 'key' | 'mapping' | 'children'> {
  /** Absent: no resolve found it, so the latest one that was committed stays the latest. */
  resolve?: CommittedResolve | undefined;
  /** How often retention had begun to delete the image before it was put. */
  retirements: number | undefined;
}

/**
 * Publishes a mapping under its lease, and the mappings of its digest and children.
 *
 * @throws LeaseError if another writer was first; RetiringError while retention deletes the image
 */
export async function publishWithDigest(
  store: MappingStore,
  lease: Lease,
  { key, mapping, children, resolve, retirements }: LeasedPublication,
): Promise<Published> {
  const digest: DigestKey = { ...key, reference: mapping.digest };
  if (isDigestKey(key) && key.reference === mapping.digest) {
    await store.putChildren(digest, children);
    return { kind: 'published', mapping, revision: await publish() };
  }
  const before = lease.state.mapping;
  const putDigest = (phase: 'begin' | 'end') =>
    store.putDigest(
      digest,
      { ...mapping, pin: false, sourceDigest: mapping.digest },
      { phase, tag: key.reference, fence: lease.fence, retirements },
    );
  // First the digest, which never conflicts: once the tag is published, both are there.
  const former = await putDigest('begin');
  if (former === undefined) throw new RetiringError(mapping.digest);
  const { isComplete, verifiedUnder } = former;
  // What was verified stands with the manifests below it, too.
  if (!isComplete || verifiedUnder !== mapping.verifiedUnder) await store.putChildren(digest, children);
  const revision = await publish();
  // Another tag that came and moved away may have let it expire before this one was published. And
  // the note of this lease goes, which would keep the image from being deleted later.
  await putDigest('end');
  const isReplaced = before !== undefined && before.digest !== mapping.digest;
  return { kind: 'published', mapping, revision, ...(isReplaced && { replaced: before.digest, before }) };

  async function publish(): Promise<number> {
    const revision = await store.publish(key, lease, mapping, resolve);
    if (revision !== undefined) return revision;
    // A job of a tag may have put the digest's mapping meanwhile, which says the same.
    const state = isDigestKey(key) ? await store.read(key) : undefined;
    const isOurs = state?.fence === lease.fence;
    const { retirements: before } = lease.state;
    const second = isOurs
      ? await store.publish(key, { ...lease, state: { ...state, retirements: before } }, mapping, resolve)
      : undefined;
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
    before.verifiedUnder === mapping.verifiedUnder &&
    (mapping.referrers === undefined || isDeepStrictEqual(before.referrers, mapping.referrers))
  );
}

/** What happens to a mapping under its lease. */
export type MappingChange =
  | { kind: 'publish'; mapping: MappingRecord }
  /** The mapping was removed, and nothing shall remind of it: not even that it was pinned. */
  | { kind: 'forget-removed' }
  | { kind: 'nothing' };

/** A change of a mapping that no look at upstream asks for. */
export interface ChangeRequest {
  key: ImageKey;
  /** The ID of the job that holds the lease. */
  owner: string;
  /** What to do, by the tag's state under the lease. */
  decide: (state: TagState) => MappingChange;
  /** Moves the tag in the mirror registry. Called with the lease held and checked. */
  moveTag?: () => Promise<void>;
  signal?: AbortSignal;
}

/**
 * Changes a mapping under its lease: a rollback, or a pin.
 *
 * @returns undefined if nothing was published
 * @throws LeaseError as {@link publishMapping}
 */
export async function changeMapping(
  store: MappingStore,
  { key, decide, moveTag, ...request }: ChangeRequest,
): Promise<Published | undefined> {
  return await withLease(store, { key, ...request }, async (held: HeldLease) => {
    const { lease, state } = held;
    const change = decide(state);
    if (change.kind !== 'publish') {
      if (change.kind === 'forget-removed') await store.forgetRemoved(key, lease);
      await store.releaseLease(key, lease);
      return undefined;
    }
    const { mapping } = change;
    const [retirements] = await Promise.all([requireStays(store, key, mapping), held.confirm()]);
    await moveTag?.();
    held.expectHeld();
    return await publishWithDigest(store, lease, { key, mapping, retirements });
  });
}
