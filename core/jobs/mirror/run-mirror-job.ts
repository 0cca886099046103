import type { Config, RepositoryRule, Upstream } from '../../config/config.ts';
import { presentOnly } from '../../copy/amount.ts';
import { commitRoot } from '../../copy/commit.ts';
import { mayBringMore, type ReferrersSummary } from '../../copy/referrers/referrers.ts';
import { resolve } from '../../copy/resolve.ts';
import { LeaseError, publishMapping } from '../../mapping/publish.ts';
import { formatImageKey, type ImageKey, isDigestKey, type MappingRecord } from '../../mapping/record.ts';
import type { CommittedResolve, TagState } from '../../mapping/store.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Manifest } from '../../oci/manifest.ts';
import { parseReference } from '../../oci/reference.ts';
import { policyFingerprint } from '../../policy/fingerprint.ts';
import { mirrorRepository } from '../../policy/mirror-repository.ts';
import { selectImage } from '../../policy/select-image.ts';
import type { JobOutcome, MirrorJobDependencies, OpenMirror } from '../dependencies.ts';
import { readWhenThere } from '../early-event.ts';
import { JobFailure } from '../errors.ts';
import { scheduleLook } from '../later-look.ts';
import { lookAfterLayers, waitForLayers } from '../layers/wait-for-layers.ts';
import { type JobRecord, wasBegunBefore } from '../record.ts';
import { requireOpen } from '../upstream-gate.ts';
import { type CopiedImage, copyImage } from './copy-image.ts';
import { newerJob, readRecordedJob, whoLooks } from './defer-look.ts';
import { leftOutReason } from './newest-tags.ts';

/** By then a pipeline that pushes an image has signed it. */
const signedWithinMs = 5 * 60_000;

/**
 * Runs one mirror job: makes the mirror hold what the upstream's tag points to now, and publishes it.
 *
 * In order: is it satisfied already → resolve the tag → plan → copy what is missing → commit manifests → move the tag
 * under its lease → publish. Whatever was done before an error stays done; the next attempt finds it present.
 *
 * @throws JobFailure, RegistryError, CopyError, LeaseError… for everything that keeps the image from being mirrored.
 */
export async function runMirrorJob(
  job: JobRecord,
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const { key } = job;
  const { upstream, rule } = select(job, deps.config);
  const fingerprint = policyFingerprint(rule);
  const repository = mirrorRepository(deps.config, key.registry, key.repository);
  if (job.fannedOut) {
    const { destination } = await deps.openMirror(repository, { signal });
    const waiting = await lookAfterLayers(job, job.fannedOut, destination, repository, deps, signal);
    if (waiting) return waiting;
  }
  if (job.trigger === 'recheck') await deps.mappings.clearRecheck(key, job.id);
  const known = await deps.mappings.read(key);
  if (known && !job.fannedOut) {
    const satisfied: JobOutcome = { state: 'satisfied', changes: { digest: known.mapping?.digest } };
    if (isSatisfied(job, known, fingerprint)) return satisfied;
    const before = { tag: known, fingerprint, repository, now: deps.now() };
    const newer = newerJob(job, before);
    const newest = newer === undefined ? undefined : await readRecordedJob(newer, deps.jobs, signal);
    const who = whoLooks(job, before, newest);
    if (who === 'later-look') await scheduleLook(key, 'recheck', deps);
    if (who === 'later-look') return satisfied;
    if (who === 'newer-job') return { state: 'satisfied', changes: {} };
  }

  await requireOpen(deps.gate, upstream, deps.now());
  const begun = job.fannedOut && known ? known : await deps.mappings.beginResolve(key);
  const source = await deps.openUpstream(upstream, key.repository);
  if (rule.tags.latest !== undefined && !job.fannedOut) {
    const list = () => leftOutReason(rule, key.reference, source.listTags({ signal }));
    const reason = await readWhenThere(list, job, deps.now, signal, deps.pause);
    if (reason) return { state: 'satisfied', changes: { reason } };
  }
  const opening = deps.openMirror(repository, { signal });
  const travels = willTravel(job, begun);
  const look = () =>
    resolve(
      source,
      job.fannedOut?.sourceDigest ?? key.reference,
      opening.then(({ destination }) => destination),
      travels ? undefined : key.reference,
      { warm: travels, signal },
    );
  const { root, current } = await readWhenThere(look, job, deps.now, signal, deps.pause);
  const mirror = await opening;
  const { destination } = mirror;
  const observedAt = job.fannedOut?.observedAt ?? deps.now().toISOString();
  const tagDigest = async () => current ?? (await destination.tagDigest(key.reference, { signal }));
  const unchanged =
    isMapped(root, repository, begun, fingerprint) &&
    (isDigestKey(key) || begun.mapping?.digest === (await tagDigest()));
  const resolved: CommittedResolve = {
    event: job.fannedOut?.event ?? begun.events,
    resolve: job.fannedOut?.resolve ?? begun.resolves,
    fingerprint,
    sourceDigest: root.digest,
  };
  const copied = unchanged
    ? undefined
    : await copyImage(
        { job, root, source, destination, repository, rule, resolved: { ...resolved, observedAt } },
        deps,
        signal,
      );
  if (copied?.kind === 'fanned-out') return waitForLayers(deps, { fannedOut: copied.fannedOut });
  const mapping = copied
    ? newMapping(job, copied, mirror, repository, deps, observedAt)
    : { ...(begun.mapping as MappingRecord), observedAt };

  // Before the commit: a crash in between asks again, instead of never.
  if (mayBeStale(job, begun, known, root)) await scheduleLook(key, 'recheck', deps);
  if (copied?.referrers) await lookForMore(job, copied.referrers, mapping, known, deps);
  const outcome = await publishMapping(deps.mappings, {
    key,
    owner: job.id,
    mapping,
    resolve: resolved,
    signal,
    moveTag: async () => {
      if (copied) await commitRoot(destination, copied.plan, key.reference, { signal });
      // Read with the lease held: what was read before may be another job's by now. There is nothing at hand to move it back with.
      else if (
        !isDigestKey(key) &&
        (await destination.tagDigest(key.reference, { signal })) !== mapping.digest
      )
        throw new LeaseError(key);
    },
  });
  // Without the root, nothing can be mounted from what was copied.
  if (outcome.kind !== 'superseded') await copied?.note();
  if (outcome.kind === 'published' && outcome.replaced) await retire(key, outcome.replaced, deps);
  const changes: Partial<JobRecord> = {
    digest: mapping.digest,
    transfer: copied?.transfer ?? presentOnly(root),
    ...(copied?.referrers && { referrers: copied.referrers }),
    ...(copied?.foreign && { foreign: copied.foreign }),
    fannedOut: undefined,
  };
  return { state: outcome.kind === 'superseded' ? 'superseded' : 'committed', changes };
}

/**
 * References by a digest that the tag has left are answered for the history that is configured, then the table forgets them. The image is
 * published: if this fails, the digest is only remembered for longer.
 */
async function retire(key: ImageKey, reference: Digest, deps: MirrorJobDependencies): Promise<void> {
  const expiresAt = new Date(deps.now().getTime() + deps.config.mirror.historySeconds * 1_000);
  await deps.mappings
    .retireDigest({ ...key, reference }, expiresAt)
    .catch((error: unknown) => deps.warn(`marking ${reference} as out of use failed`, error));
}

/**
 * Asks for one more look at what belongs to the image: soon, where something could not be had, and some minutes later where the image
 * is new. An image is signed after it is pushed, and what is pushed by digest with a `subject` (cosign's bundles) moves no tag that a
 * webhook could tell of.
 */
async function lookForMore(
  { key }: JobRecord,
  referrers: ReferrersSummary,
  { digest }: MappingRecord,
  known: TagState | undefined,
  deps: MirrorJobDependencies,
): Promise<void> {
  const isNew = known?.mapping?.digest !== digest;
  const image: ImageKey = { registry: key.registry, repository: key.repository, reference: digest };
  if (mayBringMore(referrers)) await scheduleLook(image, 'signature', deps);
  else if (isNew) await scheduleLook(image, 'signature', deps, signedWithinMs);
}

/**
 * Whether blobs will likely travel: a tag that is not mapped, or of which somebody says that it moved. Connections are worth opening then
 * before it is known, and what the mirror's tag names is of no interest. Other looks mostly find nothing.
 */
function willTravel(job: JobRecord, begun: TagState): boolean {
  if (job.fannedOut) return false;
  return (
    begun.mapping === undefined || (job.trigger === 'webhook' && job.event > (begun.committed?.event ?? 0))
  );
}

function select(job: JobRecord, config: Config): { upstream: Upstream; rule: RepositoryRule } {
  const image = formatImageKey(job.key);
  const selection = selectImage(config, parseReference(image));
  if (!selection.mirrored) {
    throw new JobFailure(
      'not_configured',
      `${image}: ${selection.reason}`,
      'add a rule for it to mirror.yaml',
    );
  }
  if (selection.rule.verify !== undefined) {
    throw new JobFailure(
      'verification_unavailable',
      `${image}: its rule asks for a verified signature, which this version can't check; it is not mirrored unverified`,
      'take `verify` out of the rule to mirror it unverified, or wait for a version that verifies',
    );
  }
  return selection;
}

/**
 * Whether everything this job's event could tell is committed already. A second look was asked for after such a commit:
 * it always looks. So does a job that was begun before: it may have moved the tag and lost its lease, and then the tag
 * in the mirror is not what was committed.
 */
function isSatisfied(job: JobRecord, known: TagState, fingerprint: string): boolean {
  return (
    job.trigger !== 'recheck' &&
    !wasBegunBefore(job) &&
    known.committed !== undefined &&
    known.committed.fingerprint === fingerprint &&
    job.event <= known.committed.event
  );
}

/**
 * Whether upstream may have answered from a cache that a push is ahead of, so that one more look is due: when an event
 * came although upstream shows what is mapped already, and when this look also counts for events that came after the
 * job's own, whose jobs will ask nobody.
 */
function mayBeStale(job: JobRecord, begun: TagState, known: TagState | undefined, root: Manifest): boolean {
  if (isDigestKey(job.key)) return false; // a digest does not move
  if (begun.events > Math.max(job.event, known?.committed?.event ?? 0)) return true;
  return job.trigger === 'webhook' && known?.mapping?.sourceDigest === root.digest;
}

/** Whether what upstream shows is mapped already, by the same policy and to the same place. */
function isMapped(root: Manifest, repository: string, state: TagState, fingerprint: string): boolean {
  return (
    state.committed?.fingerprint === fingerprint &&
    state.mapping?.sourceDigest === root.digest &&
    state.mapping.mirrorRepository === repository
  );
}

function newMapping(
  job: JobRecord,
  { plan, platforms, referrers, foreign }: CopiedImage & { kind: 'whole' },
  mirror: OpenMirror,
  repository: string,
  deps: MirrorJobDependencies,
  observedAt: string,
): MappingRecord {
  return {
    mirrorRepository: repository,
    digest: plan.root.digest,
    sourceDigest: plan.source.digest,
    mediaType: plan.root.mediaType,
    platforms,
    sizeBytes: plan.sizeBytes,
    pin: false,
    region: mirror.region,
    observedAt,
    mirroredAt: deps.now().toISOString(),
    job: job.id,
    ...(referrers && { referrers }),
    ...(foreign && { foreign }),
  };
}
