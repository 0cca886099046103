import { runChangeJob } from './changes/run-change-job.ts';
import { DeadlineError } from './deadline.ts';
import { runDeletionJob, runLookAtDeleted } from './deletions/run-deletion-job.ts';
import type { JobOutcome, MirrorJobDependencies } from './dependencies.ts';
import { isDeletedMeanwhile } from './early-event.ts';
import { sendAgain } from './enqueue.ts';
import { tooSlow } from './errors.ts';
import { announceMirrored } from './mirror/announce-end.ts';
import { runMirrorJob } from './mirror/run-mirror-job.ts';
import { runSignatureJob } from './mirror/run-signature-job.ts';
import type { JobQueue } from './ports.ts';
import { type JobMessage, type JobRecord, type JobState, messageOf, newJob } from './record.ts';
import { recordFailure } from './record-failure.ts';
import { recordParked } from './record-parked.ts';
import { goneAfterMs } from './recovery/watch.ts';
import type { SavingsTally } from './savings/tally.ts';

/**
 * A job that is not done after this many invocations makes no progress: a day of them carries 2 TB
 * at 24 MB/s.
 */
const maxInvocations = 100;

export interface ProcessDependencies extends MirrorJobDependencies {
  readonly queue: JobQueue;
  /** Counts what was mirrored; absent: nobody does. */
  readonly savings?: Pick<SavingsTally, 'count'> | undefined;
}

/** The result of a message. `gone`: the job was already finished. */
export type Processed = { job: JobRecord; state: JobState } | { state: 'gone' };

/**
 * Runs the job of a message and records its end. When this returns, the message may be deleted: the
 * job is finished, parked, or queued again. When it throws, the message must be delivered again.
 *
 * @param signal ends the attempt; with a {@link DeadlineError} as its reason, the job is queued
 *   again at once.
 */
export async function processMessage(
  message: JobMessage,
  deps: ProcessDependencies,
  signal: AbortSignal,
): Promise<Processed> {
  const job = await beginJob(message, deps);
  if (job === undefined) return { state: 'gone' };
  try {
    const outcome = await outcomeOf(job, deps, signal);
    if (outcome.state === 'copying') return await parkedForLayers(job, outcome, deps);
    return await ended(job, outcome, deps);
  } catch (error) {
    const outOfTime = signal.aborted && signal.reason instanceof DeadlineError;
    if (!outOfTime) return await recordFailure(job, error, deps);
    const invocations = (job.invocations ?? 0) + 1;
    if (invocations < maxInvocations) return await again(job, invocations, deps);
    return await recordFailure(
      job,
      tooSlow(`the image is still not copied after ${invocations} invocations`),
      deps,
    );
  }
}

async function outcomeOf(
  job: JobRecord,
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<JobOutcome> {
  try {
    return await runnerOf(job)(job, deps, signal);
  } catch (error) {
    if (signal.aborted || !isDeletedMeanwhile(error, job)) throw error;
    return await runLookAtDeleted(job, deps, signal);
  }
}

function runnerOf({ trigger, change }: JobRecord) {
  if (change) return runChangeJob;
  if (trigger === 'deletion') return runDeletionJob;
  return trigger === 'signature' ? runSignatureJob : runMirrorJob;
}

/** Tells and records the end of a job that did not fail. */
async function ended(
  job: JobRecord,
  outcome: Exclude<JobOutcome, { state: 'copying' }>,
  deps: Pick<ProcessDependencies, 'config' | 'mappings' | 'jobs' | 'notifier' | 'savings' | 'now' | 'warn'>,
): Promise<Processed> {
  const { state, changes } = outcome;
  const finishedAt = deps.now();
  const lagMs = finishedAt.getTime() - Date.parse(job.receivedAt);
  await announceMirrored(job, outcome, deps);
  const isRecorded = await deps.jobs.update(job.id, {
    ...changes,
    state,
    finishedAt: finishedAt.toISOString(),
    notBefore: undefined,
    error: undefined,
    ...(state === 'committed' ? { lagMs } : {}),
  });
  const done = { ...job, ...changes };
  // Only the attempt that records the end counts; a job that found what was mapped saved nothing.
  if (isRecorded && outcome.published) deps.savings?.count({ ...done, finishedAt, lagMs });
  return { job: done, state };
}

/** Records the attempt; a job whose record is lost gets a new one from its message. */
async function beginJob(
  message: JobMessage,
  deps: Pick<ProcessDependencies, 'jobs' | 'now'>,
): Promise<JobRecord | undefined> {
  const now = deps.now();
  const startedAt = now.toISOString();
  const begun = await deps.jobs.begin(message.job, startedAt);
  if (begun !== undefined || (await deps.jobs.read(message.job)) !== undefined) return begun;
  const { job: id, image: key, event, trigger, receivedAt, change } = message;
  const job = newJob({ id, key, event, trigger, receivedAt, change });
  await recordParked(job, new Date(now.getTime() + goneAfterMs), deps.jobs);
  return await deps.jobs.begin(id, startedAt);
}

/**
 * Parks the job while layer jobs carry its layers. The look does not count as an attempt: it says
 * nothing about the image.
 */
async function parkedForLayers(
  job: JobRecord,
  { lookAgainAt, changes }: JobOutcome & { state: 'copying' },
  deps: Pick<ProcessDependencies, 'jobs'>,
): Promise<Processed> {
  const attempts = job.fannedOut ? job.attempts - 1 : job.attempts;
  const { state, notBefore } = (await deps.jobs.read(job.id)) ?? job;
  // A layer that failed while this ran has already set the job to waiting: the job does not run any
  // sooner.
  if (state === 'waiting' && notBefore) {
    await deps.jobs.update(job.id, { ...changes, attempts });
    return { job: { ...job, ...changes, notBefore }, state };
  }
  const look = lookAgainAt.toISOString();
  // What it continues with is recorded first: a layer job may wake it right away.
  if (!(await deps.jobs.update(job.id, { ...changes, attempts, notBefore: look }))) return { state: 'gone' };
  await deps.jobs.park(job, look);
  return { job: { ...job, ...changes }, state: 'copying' };
}

/** An image that needs many invocations has not failed once: the attempt is given back. */
async function again(
  job: JobRecord,
  invocations: number,
  deps: Pick<ProcessDependencies, 'config' | 'jobs' | 'queue'>,
): Promise<Processed> {
  await deps.jobs.update(job.id, { state: 'queued', attempts: job.attempts - 1, invocations });
  await sendAgain(messageOf(job), deps);
  return { job, state: 'queued' };
}
