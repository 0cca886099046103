import { setTimeout as sleep } from 'node:timers/promises';
import type { TagState } from '../../mapping/store.ts';
import type { MirrorJobDependencies } from '../dependencies.ts';
import { scheduleLook } from '../later-look.ts';
import type { JobStore } from '../ports.ts';
import { type JobRecord, wasBegunBefore } from '../record.ts';

/** How long ago a look found nothing new when a job may leave the next one to a newer job, milliseconds. */
const recentMs = 60_000;

/**
 * Whom a webhook's job can leave the look at the upstream to, if to anybody, so that a flood of the same events does not become a
 * flood of requests. Of a tag that is mapped:
 *
 * - `later-look`: the event tells what is mapped already. Since it may be older than the last push, one more look is due, a minute later.
 * - `newer-job`: within the last minute a look found nothing new, as duplicates make it, and a newer event's job is queued behind this one:
 *   that one looks for both. It must not be one that will leave the look itself, as that of an old delivery which is sent again.
 *   A job that is the first to follow a change always looks, so that its end says that its push is mapped.
 */
export async function leftTo(
  job: JobRecord,
  known: TagState,
  { fingerprint, repository }: { fingerprint: string; repository: string },
  deps: Pick<MirrorJobDependencies, 'mappings' | 'jobs' | 'now'>,
  signal: AbortSignal,
): Promise<'later-look' | 'newer-job' | undefined> {
  // One that was begun before may have moved the tag: it looks.
  if (job.trigger !== 'webhook' || wasBegunBefore(job)) return undefined;
  const { committed, mapping, lastJob } = known;
  if (committed?.fingerprint !== fingerprint || mapping?.mirrorRepository !== repository) return undefined;
  if (job.toldDigest === committed.sourceDigest) {
    await scheduleLook(job.key, 'recheck', deps);
    return 'later-look';
  }
  if (lastJob === undefined || lastJob === job.id || known.events <= job.event) return undefined;
  const observedAt = Date.parse(mapping.observedAt);
  const foundNothing = observedAt > Date.parse(mapping.mirroredAt);
  if (!foundNothing || deps.now().getTime() - observedAt > recentMs) return undefined;
  const last = await readSoon(lastJob, deps.jobs, signal);
  if (last === undefined || last.toldDigest === committed.sourceDigest) return undefined;
  return last.state === 'queued' && last.event > job.event ? 'newer-job' : undefined;
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
