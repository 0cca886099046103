import { setTimeout as sleep } from 'node:timers/promises';
import type { JobProgress } from '../../core/jobs/record.ts';
import { getJob, type Job } from './api.ts';
import { DemoFailure } from './facts.ts';

const everyMs = 50;
const withinMs = 45_000;

/**
 * Follows a job until it is committed.
 *
 * @param onProgress called after each look that found progress
 * @throws DemoFailure where it ends in any other way, or not in time
 */
export async function followJob(
  api: string,
  id: string,
  onProgress: (progress: JobProgress) => void,
  signal?: AbortSignal,
): Promise<Job> {
  const until = Date.now() + withinMs;
  for (;;) {
    const job = await getJob(api, id, signal);
    if (job.progress) onProgress(job.progress);
    switch (job.state) {
      case 'committed':
        return job;
      case 'queued':
      case 'waiting':
      case 'copying':
        break;
      default:
        throw new DemoFailure(
          `job ${id} (${job.image}) ended as ${job.state}` +
            (job.error ? `: ${job.error.message}; ${job.error.remedy}` : ''),
        );
    }
    if (Date.now() > until)
      throw new DemoFailure(`job ${id} is still ${job.state} after ${withinMs / 1_000} s`);
    await sleep(everyMs, undefined, { signal });
  }
}
