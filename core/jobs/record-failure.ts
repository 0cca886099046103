import { decideRetry, type Verdict } from './decide-retry.ts';
import type { MirrorJobDependencies } from './dependencies.ts';
import { announceFailed } from './mirror/announce-end.ts';
import type { JobRecord } from './record.ts';
import { outageVerdict } from './recovery/outage.ts';
import { UpstreamClosedError } from './upstream-gate.ts';

type FailureDependencies = Pick<
  MirrorJobDependencies,
  'config' | 'jobs' | 'gate' | 'notifier' | 'now' | 'warn'
>;

/** The result of a job that failed, temporarily or for good. */
export interface FailedJob {
  job: JobRecord;
  state: 'waiting' | 'failed';
}

/**
 * Records a failure and its consequences. If that fails, too, the original failure is also logged.
 *
 * @throws the error itself if it is ours, so that the message is delivered again.
 */
export async function recordFailure(
  job: JobRecord,
  error: unknown,
  deps: FailureDependencies,
): Promise<FailedJob> {
  try {
    const verdict = (await outageVerdict(error, job, deps)) ?? decideRetry(error, job, { now: deps.now() });
    if (verdict.kind === 'crash') {
      await recordCrash(job, error, deps);
      throw error;
    }
    if (verdict.kind === 'fail') return await recordEnd(job, verdict, deps);
    // If the upstream is already closed, its end time stays.
    if (!(error instanceof UpstreamClosedError)) await closeIfLimited(job, verdict, deps);
    return await letWait(job, verdict, deps);
  } catch (second) {
    if (second !== error) deps.warn('this failure of the job could not be recorded', error);
    throw second;
  }
}

async function recordCrash(
  { id }: JobRecord,
  error: unknown,
  { jobs }: Pick<FailureDependencies, 'jobs'>,
): Promise<void> {
  await jobs.update(id, {
    error: {
      code: 'internal',
      side: 'drayage',
      message: `an unexpected error ended the attempt: ${kindOf(error)}`,
      remedy: 'the queue retries by itself; after six attempts the job fails. The log has the whole error',
    },
  });
}

/** What may be shown of any error: its text may contain secrets, its name and code don't. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'not an Error';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `${error.name} (${code})` : error.name;
}

async function recordEnd(
  job: JobRecord,
  { error }: Verdict & { kind: 'fail' },
  deps: FailureDependencies,
): Promise<FailedJob> {
  const finishedAt = deps.now().toISOString();
  await announceFailed(job, error, deps);
  await deps.jobs.update(job.id, { state: 'failed', finishedAt, notBefore: undefined, error });
  return { job: { ...job, error }, state: 'failed' };
}

/** After an upstream's rate limit, all workers must leave the registry alone. */
async function closeIfLimited(
  { key }: JobRecord,
  { why, delayMs, error }: Verdict & { kind: 'wait' },
  { gate, now }: Pick<FailureDependencies, 'gate' | 'now'>,
): Promise<void> {
  if (why !== 'rate-limit' || error.side !== 'upstream') return;
  await gate.close(key.registry, new Date(now().getTime() + delayMs));
}

async function letWait(
  job: JobRecord,
  { why, delayMs, error }: Verdict & { kind: 'wait' },
  { jobs, now }: Pick<FailureDependencies, 'jobs' | 'now'>,
): Promise<FailedJob> {
  const notBefore = new Date(now().getTime() + delayMs).toISOString();
  const attempts = why === 'failure' ? job.attempts : job.attempts - 1;
  // Recorded first: a parking note that does not match the record is dropped. After a crash in
  // between, the message is delivered again.
  await jobs.update(job.id, { state: 'waiting', notBefore, attempts, error });
  await jobs.park(job, notBefore);
  return { job: { ...job, error, notBefore }, state: 'waiting' };
}
