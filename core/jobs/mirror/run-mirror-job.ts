import type { Evidence } from '../../mapping/record.ts';
import { lacksContent } from '../../registry/errors.ts';
import type { JobOutcome, MirrorJobDependencies } from '../dependencies.ts';
import { waitForLayers } from '../layers/wait-for-layers.ts';
import { mountablePlaces } from '../mountable-layers.ts';
import { type JobRecord, wasBegunBefore } from '../record.ts';
import { admit } from '../verification/require-verified.ts';
import { copyJobImage } from './copy-image.ts';
import { lookUpstream, resumeLook, type Seen } from './look.ts';
import { publishImage } from './publish-image.ts';
import { requireAge, requireContent, requireScanned, requireScansEnded } from './require-content.ts';
import { restorePinned } from './restore-pinned.ts';
import { type MirrorWork, workOf } from './work.ts';

/**
 * Runs one mirror job: copies what the upstream's tag points to now into the mirror, and publishes
 * it.
 *
 * In order: check whether it is already satisfied → resolve the tag → verify it → plan → check what
 * its rule requires → copy what is missing → commit manifests → wait for scans, if the rule asks
 * for them → move the tag under its lease → publish. Work done before an error is kept; the
 * next attempt finds it present. Meanwhile the settings of the mirror repository are put right.
 *
 * @throws JobFailure, RegistryError, CopyError, LeaseError… for everything that keeps the image
 *   from being mirrored.
 */
export async function runMirrorJob(
  job: JobRecord,
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const outcome = await lookAndMirror(job, deps, signal);
  if (outcome.state === 'superseded' && wasBegunBefore(job)) await restorePinned(job, deps, signal);
  return outcome;
}

async function lookAndMirror(
  job: JobRecord,
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const work = workOf(job, deps.config);
  await requireScansEnded(work, deps, signal);
  const look = job.fannedOut
    ? await resumeLook({ ...work, fannedOut: job.fannedOut }, deps, signal)
    : await lookUpstream(work, deps, signal);
  if (look.kind === 'ended') return look.outcome;
  const { root, source, begun } = look.seen;
  if (!job.fannedOut && (await requireAge(work, look, deps)) === 'left-to-later-job')
    return { state: 'satisfied', changes: { digest: root.digest } };
  const admission = await admit(
    { ...work, digest: root.digest, source, mapping: begun.mapping },
    deps,
    signal,
  );
  if (admission.kind === 'left-out')
    return { state: 'satisfied', changes: { digest: root.digest, reason: admission.reason } };
  const { evidence } = admission;
  const keepInLine = async () => await deps.keepInLine?.(work.repository, { signal });
  const inLine = keepInLine();
  try {
    if (look.kind === 'unchanged') return await publishImage({ ...look, work }, deps, signal);
    const isInLine = async () => {
      await inLine;
      // The repository may have been created meanwhile. Otherwise this asks nothing.
      await keepInLine();
    };
    return await copyAndPublish({ job, work, seen: look.seen, evidence, isInLine }, deps, signal);
  } finally {
    await inLine;
  }
}

/** A mirror job whose image has to be copied. */
interface ChangedImage {
  job: JobRecord;
  work: MirrorWork;
  seen: Seen;
  /** What was verified of it; absent: its rule requires nothing. */
  evidence: Evidence | undefined;
  /** Resolves once the repository's settings are right, or will not be. */
  isInLine: () => Promise<void>;
}

async function copyAndPublish(
  { job, work, seen, evidence, isInLine }: ChangedImage,
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const pooled = deps.pool?.enter({
    registry: seen.mirror.region,
    repository: work.repository,
    mayMountFrom: mountablePlaces(deps.config, job.key.registry),
  });
  let isCommitted = false;
  try {
    const { root, source, mirror, resolved, observedAt } = seen;
    const { rule, repository } = work;
    const { destination } = mirror;
    const image = await copyJobImage(
      {
        job,
        root,
        source,
        destination,
        repository,
        rule,
        evidence,
        resolved: { ...resolved, observedAt },
        check: (plan) => requireContent(work, seen, plan, signal),
      },
      deps,
      { pooled, signal },
    );
    if (image.kind === 'fanned-out') return waitForLayers(deps, { fannedOut: image.fannedOut });
    await isInLine();
    await requireScanned(work, seen, image.plan, deps, signal);
    const outcome = await publishImage({ kind: 'copied', work, seen, image, evidence }, deps, signal);
    isCommitted = outcome.state === 'committed';
    if (evidence && isCommitted) await forgetAwaited(work, seen, deps);
    return outcome;
  } catch (error) {
    if (lacksContent(error)) pooled?.distrust();
    throw error;
  } finally {
    pooled?.leave(isCommitted);
  }
}

/** The image is verified. If this fails, a further signature of it only makes one more look. */
async function forgetAwaited(
  { job }: MirrorWork,
  { root }: Seen,
  { awaited, warn }: Pick<MirrorJobDependencies, 'awaited' | 'warn'>,
): Promise<void> {
  await awaited
    .clear(job.key, root.digest)
    .catch((error: unknown) => warn('that an image waited for its signature is still noted', error));
}
