import type { JobProgress } from '../../core/jobs/record.ts';
import { DrayageApi, type Job } from '../api/client.ts';
import { followJob } from '../api/follow-jobs.ts';
import { DemoFailure } from './facts.ts';

const everyMs = 50;
const withinMs = 45_000;

/**
 * Follows a job until it is committed.
 *
 * @param onProgress called each time there is progress
 * @throws DemoFailure if it ends in any other way, or not in time
 */
export async function followToCommit(
  api: string,
  id: string,
  onProgress: (progress: JobProgress) => void,
  signal?: AbortSignal,
): Promise<Job> {
  const job = await followJob(new DrayageApi({ api }, signal), id, {
    everyMs,
    withinMs,
    signal,
    onLook: ({ progress }) => progress && onProgress(progress),
  });
  switch (job.state) {
    case 'committed':
      return job;
    case 'queued':
    case 'waiting':
    case 'copying':
      throw new DemoFailure(
        `job ${id} is still ${job.state} after ${withinMs / 1_000} s${job.error ? `: ${job.error.message}` : ''}`,
      );
    default:
      throw new DemoFailure(
        `job ${id} (${job.image}) ended as ${job.state}` +
          (job.error ? `: ${job.error.message}; ${job.error.remedy}` : ''),
      );
  }
}
