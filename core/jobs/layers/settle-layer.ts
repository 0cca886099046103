import { decideRetry } from '../decide-retry.ts';
import { announceFailed } from '../mirror/announce-end.ts';
import type { JobStore } from '../ports.ts';
import { isFinished, type JobError, type JobRecord } from '../record.ts';
import { outageVerdict } from '../recovery/outage.ts';
import type { LayerDependencies, ProcessedLayer } from './layer-job.ts';
import { leaseMs } from './layer-lease.ts';

type SettleDependencies = Pick<LayerDependencies, 'config' | 'jobs' | 'gate' | 'notifier' | 'now' | 'warn'>;

/**
 * Records what an error means for the image. Rounds in which any layer failed are counted. They are
 * separate from the mirror job's own attempts.
 *
 * @throws the error itself if it is ours.
 */
export async function settleLayer(
  error: unknown,
  job: JobRecord,
  deps: SettleDependencies,
): Promise<ProcessedLayer> {
  const outage = await outageVerdict(error, job, deps, 'layer');
  let verdict = outage ?? decideRetry(error, { ...job, attempts: 1 }, { now: deps.now() });
  if (verdict.kind === 'wait' && verdict.why === 'failure') {
    const failures = await deps.jobs.addLayerFailure(job.id);
    if (failures === undefined) return await waitWithOthers(verdict.error, job, deps);
    verdict = decideRetry(error, { ...job, attempts: failures }, { now: deps.now() });
  }
  if (verdict.kind === 'crash') throw error;
  if (verdict.kind === 'fail') {
    await announceFailed(job, verdict.error, deps);
    await deps.jobs.update(job.id, {
      state: 'failed',
      finishedAt: deps.now().toISOString(),
      notBefore: undefined,
      error: verdict.error,
    });
    return { state: 'failed', error: verdict.error };
  }
  const until = new Date(deps.now().getTime() + verdict.delayMs);
  // A rate limit: all workers must leave the registry alone.
  if (verdict.why === 'rate-limit' && verdict.error.side === 'upstream')
    await deps.gate.close(job.key.registry, until);
  return await park(job, { notBefore: until.toISOString(), error: verdict.error }, deps.jobs);
}

/** Another layer has failed in this round, and the job is already waiting because of it. */
async function waitWithOthers(
  error: JobError,
  { id }: JobRecord,
  deps: Pick<SettleDependencies, 'jobs' | 'now'>,
): Promise<ProcessedLayer> {
  const job = await deps.jobs.read(id);
  if (job === undefined || isFinished(job)) return { state: 'gone' };
  // Parked once more: the worker that recorded the failure may have died before parking it, or even
  // before the time was known.
  const notBefore = job.notBefore ?? new Date(deps.now().getTime() + leaseMs).toISOString();
  await deps.jobs.park(job, notBefore);
  return { state: 'waiting', notBefore, error };
}

/** Lets the mirror job wait: afterwards, it queues the layers that are still missing. */
async function park(
  job: JobRecord,
  wait: { notBefore: string; error: JobError },
  jobs: Pick<JobStore, 'update' | 'park'>,
): Promise<ProcessedLayer> {
  // Recorded first: a parking note that does not match the record is dropped. After a crash in
  // between, the message is delivered again.
  await jobs.update(job.id, { state: 'waiting', ...wait });
  await jobs.park(job, wait.notBefore);
  return { state: 'waiting', ...wait };
}
