import { setTimeout as sleep } from 'node:timers/promises';
import type { TagState } from '../mapping/store.ts';
import type { JobStore } from './ports.ts';
import { queueRecheck } from './recheck.ts';
import type { JobRecord } from './record.ts';
import type { MirrorJobDependencies } from './run-mirror-job.ts';

/** How long ago the tag was looked at last when a job may leave the next look to a later one, milliseconds. */
const recentMs = 60_000;

/**
 * Whether a webhook's job can leave the look at the upstream to another one, so that a flood of the same events does not become a
 * flood of requests. Of a tag that is mapped:
 *
 * - The event tells what is mapped already. Since it may be older than the last push, one more look is due, a minute later.
 * - The tag was looked at within the last minute, and a newer event's job is queued behind this one: that one looks for both. It must
 *   not be one that will leave the look itself, as that of an old delivery which is sent again.
 */
export async function isLeftToAnother(
  job: JobRecord,
  known: TagState,
  { fingerprint, repository }: { fingerprint: string; repository: string },
  deps: Pick<MirrorJobDependencies, 'mappings' | 'jobs' | 'now'>,
  signal: AbortSignal,
): Promise<boolean> {
  // One that was begun before may have moved the tag: it looks.
  if (job.trigger !== 'webhook' || job.attempts > 1 || job.invocations !== undefined) return false;
  const { committed, mapping, lastJob } = known;
  if (committed?.fingerprint !== fingerprint || mapping?.mirrorRepository !== repository) return false;
  if (job.toldDigest === committed.sourceDigest) {
    await queueRecheck(job, deps);
    return true;
  }
  if (lastJob === undefined || lastJob === job.id || known.events <= job.event) return false;
  if (deps.now().getTime() - Date.parse(mapping.observedAt) > recentMs) return false;
  const last = await readSoon(lastJob, deps.jobs, signal);
  if (last === undefined || last.toldDigest === committed.sourceDigest) return false;
  return last.state === 'queued' && last.event > job.event;
}

/**
 * An event is counted a moment before its job is recorded. Recording may fail, and only a job that is there will look.
 */
async function readSoon(
  id: string,
  jobs: Pick<JobStore, 'read'>,
  signal: AbortSignal,
): Promise<JobRecord | undefined> {
  for (const pauseMs of [25, 50, 100, 200, 400]) {
    const job = await jobs.read(id);
    if (job !== undefined) return job;
    await sleep(pauseMs, undefined, { signal });
  }
  return await jobs.read(id);
}
