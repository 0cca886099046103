import type { Config } from '../config/config.ts';
import { queuedMessage } from './enqueue.ts';
import type { JobQueue, JobStore } from './ports.ts';
import { isFinished, type JobRecord } from './record.ts';

export interface ResendDependencies {
  config: Config;
  jobs: JobStore;
  queue: JobQueue;
}

/** How many parked jobs one round takes; the next round follows at once while there are more. */
const roundSize = 100;

/**
 * Sends the parked jobs that are due. The message goes out before the job leaves the parking place: a crash in between
 * sends it twice, which does no harm, instead of never.
 *
 * @returns how many were sent, and how many the queue refused: those stay parked for the next round.
 */
export async function resendDue(
  deps: ResendDependencies,
  now: Date,
  signal?: AbortSignal,
): Promise<{ sent: number; refused: number }> {
  let sent = 0;
  for (;;) {
    signal?.throwIfAborted();
    const due = await deps.jobs.due(now.toISOString(), roundSize);
    if (due.length === 0) return { sent, refused: 0 };
    const jobs = await Promise.all(
      due.map(async (parked) => ({ parked, job: await deps.jobs.read(parked.id) })),
    );
    const live = jobs.flatMap(({ parked, job }) => (job && isDue(job, now) ? [{ parked, job }] : []));
    const others = jobs.filter(({ job }) => !job || !isDue(job, now));
    await Promise.all(others.map(({ parked }) => deps.jobs.unpark(parked)));
    // Before the message goes out: a worker may be quicker than we are, and its `copying` must stand.
    await Promise.all(
      live
        .filter(({ job }) => job.state === 'waiting')
        .map(({ job }) => deps.jobs.update(job.id, { state: 'queued', notBefore: undefined })),
    );
    const refused = await deps.queue.send(live.map(({ job }) => queuedMessage(job, deps.config)));
    const refusedIds = new Set(refused.map(({ message }) => message.body.job));
    const gotThrough = live.filter(({ job }) => !refusedIds.has(job.id));
    await Promise.all(gotThrough.map(({ parked }) => deps.jobs.unpark(parked)));
    sent += gotThrough.length;
    if (refused.length > 0) return { sent, refused: refused.length };
  }
}

/** Whether a parked job shall be sent: not when it is finished, or parked a second time for later. */
function isDue(job: JobRecord, now: Date): boolean {
  if (isFinished(job)) return false;
  return job.state !== 'waiting' || job.notBefore === undefined || Date.parse(job.notBefore) <= now.getTime();
}

/**
 * Queues every unfinished job again: what a queue that lost its messages needs (the embedded one does when it stops).
 *
 * @returns how many jobs were sent.
 */
export async function resendUnfinished(deps: ResendDependencies): Promise<number> {
  let sent = 0;
  let cursor: string | undefined;
  do {
    const page = await deps.jobs.list({ states: ['queued', 'waiting', 'copying'], limit: roundSize, cursor });
    const refused = await deps.queue.send(page.jobs.map((job) => queuedMessage(job, deps.config)));
    if (refused.length > 0)
      throw new Error(`the queue refused ${refused.length} jobs: ${refused[0]?.reason}`);
    sent += page.jobs.length;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return sent;
}
