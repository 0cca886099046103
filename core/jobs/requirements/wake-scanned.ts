import type { Config } from '../../config/config.ts';
import { queuedMessage } from '../enqueue.ts';
import type { JobQueue, JobStore } from '../ports.ts';
import type { ScanPlace, ScanWaits } from './ports.ts';

/** What waking jobs works with. */
export interface WakeDependencies {
  config: Config;
  jobs: Pick<JobStore, 'read' | 'update'>;
  queue: JobQueue;
  waits: ScanWaits;
}

/**
 * Queues the jobs that wait for an image's scan. They look at it themselves: the event is only a
 * hint. A job that has not begun to wait, or no longer does, is left alone.
 *
 * @returns how many were queued
 * @throws Error where the queue refuses one: it stays parked, and runs when it would have without
 */
export async function wakeScanned(image: ScanPlace, deps: WakeDependencies): Promise<number> {
  const { config, jobs, queue, waits } = deps;
  const recorded = await Promise.all((await waits.jobs(image)).map((id) => jobs.read(id)));
  const waiting = recorded.flatMap((job) =>
    job?.state === 'waiting' && job.scanning?.pending.includes(image.digest) ? [job] : [],
  );
  // As the schedule does: a worker may be faster than we are.
  await Promise.all(waiting.map(({ id }) => jobs.update(id, { state: 'queued', notBefore: undefined })));
  const refused = await queue.send(waiting.map((job) => queuedMessage(job, config)));
  if (refused.length > 0) {
    throw new Error(`${refused.length} jobs could not be queued after a scan: ${refused[0]?.reason}`);
  }
  return waiting.length;
}
