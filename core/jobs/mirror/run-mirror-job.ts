import { lacksContent } from '../../registry/errors.ts';
import type { JobOutcome, MirrorJobDependencies } from '../dependencies.ts';
import { waitForLayers } from '../layers/wait-for-layers.ts';
import { mountablePlaces } from '../mountable-layers.ts';
import type { JobRecord } from '../record.ts';
import { copyJobImage } from './copy-image.ts';
import { lookUpstream, resumeLook } from './look.ts';
import { publishImage } from './publish-image.ts';
import { workOf } from './work.ts';

/**
 * Runs one mirror job: copies what the upstream's tag points to now into the mirror, and publishes
 * it.
 *
 * In order: check whether it is already satisfied → resolve the tag → plan → copy what is missing →
 * commit manifests → move the tag under its lease → publish. Work done before an error is kept; the
 * next attempt finds it present.
 *
 * @throws JobFailure, RegistryError, CopyError, LeaseError… for everything that keeps the image
 *   from being mirrored.
 */
export async function runMirrorJob(
  job: JobRecord,
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const work = workOf(job, deps.config);
  const look = job.fannedOut
    ? await resumeLook({ ...work, fannedOut: job.fannedOut }, deps, signal)
    : await lookUpstream(work, deps, signal);
  if (look.kind === 'ended') return look.outcome;
  if (look.kind === 'unchanged') return await publishImage({ ...look, work }, deps, signal);

  const pooled = deps.pool?.enter({
    registry: look.seen.mirror.region,
    repository: work.repository,
    mayMountFrom: mountablePlaces(deps.config, job.key.registry),
  });
  let isCommitted = false;
  try {
    const { root, source, mirror, resolved, observedAt } = look.seen;
    const { rule, repository } = work;
    const { destination } = mirror;
    const image = await copyJobImage(
      { job, root, source, destination, repository, rule, resolved: { ...resolved, observedAt } },
      deps,
      { pooled, signal },
    );
    if (image.kind === 'fanned-out') return waitForLayers(deps, { fannedOut: image.fannedOut });
    const outcome = await publishImage({ kind: 'copied', work, seen: look.seen, image }, deps, signal);
    isCommitted = outcome.state === 'committed';
    return outcome;
  } catch (error) {
    if (lacksContent(error)) pooled?.distrust();
    throw error;
  } finally {
    pooled?.leave(isCommitted);
  }
}
