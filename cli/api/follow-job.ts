import { setTimeout as sleep } from 'node:timers/promises';
import { isFinished } from '../../core/jobs/record.ts';
import type { DrayageApi, Job } from './client.ts';

/** How a job is followed. */
export interface FollowOptions {
  /** How long to wait between requests. */
  everyMs: number;
  /** How long to follow it at most. */
  withinMs: number;
  /** Called after each request. */
  onLook?(job: Job): void;
  signal?: AbortSignal | undefined;
}

/**
 * Follows a job until it ends, however it ends.
 *
 * @returns the job as it was last seen: unfinished if it took too long
 */
export async function followJob(api: DrayageApi, id: string, options: FollowOptions): Promise<Job> {
  const until = Date.now() + options.withinMs;
  for (;;) {
    const job = await api.job(id);
    options.onLook?.(job);
    if (isFinished(job) || Date.now() > until) return job;
    await sleep(options.everyMs, undefined, { signal: options.signal });
  }
}
