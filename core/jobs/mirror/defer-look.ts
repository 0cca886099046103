import { setTimeout as sleep } from 'node:timers/promises';
import type { TagState } from '../../mapping/store.ts';
import type { JobStore } from '../ports.ts';
import { type JobRecord, wasBegunBefore } from '../record.ts';

/**
 * A job may leave its look to a newer job if a look within this time found nothing new, in
 * milliseconds.
 */
const recentMs = 60_000;

/** What is known before a job asks the upstream. */
export interface BeforeLook {
  tag: TagState;
  /** The current policy, and where it puts the image. */
  fingerprint: string;
  repository: string;
  now: Date;
}

/**
 * Which job looks at the upstream for a webhook's job, so that a flood of identical events does not
 * become a flood of requests. For a mapped tag:
 *
 * - `later-look`: the event names what is already mapped. Since the event may be older than the
 *   last push, one more look is due, a minute later.
 * - `newer-job`: within the last minute a look found nothing new, as is typical of duplicates, and
 *   a newer event's job is queued behind this one. That job looks for both. It must not be a job
 *   that leaves the look to another one itself, such as the job of an old delivery that is sent
 *   again. The first job after a change always looks, so that when it ends, its push is mapped.
 *
 * @param newest the record of the job that {@link newerJob} names
 */
export function whoLooks(
  job: JobRecord,
  before: BeforeLook,
  newest?: JobRecord,
): 'this-job' | 'later-look' | 'newer-job' {
  if (!mayDefer(job, before)) return 'this-job';
  if (tellsWhatIsMapped(job, before)) return 'later-look';
  if (newest === undefined || newest.id !== newerJob(job, before)) return 'this-job';
  const willLook = newest.state === 'queued' && !tellsWhatIsMapped(newest, before);
  return willLook && newest.event > job.event ? 'newer-job' : 'this-job';
}

/** The job that may look instead of this one; whether it does depends on its record. */
export function newerJob(job: JobRecord, before: BeforeLook): string | undefined {
  const { mapping, lastJob, events } = before.tag;
  if (!mayDefer(job, before) || tellsWhatIsMapped(job, before) || mapping === undefined) return undefined;
  if (lastJob === job.id || events <= job.event) return undefined;
  const observedAt = Date.parse(mapping.observedAt);
  const foundNothing = observedAt > Date.parse(mapping.mirroredAt);
  const isRecent = before.now.getTime() - observedAt <= recentMs;
  return foundNothing && isRecent ? lastJob : undefined;
}

/**
 * A job that was already begun once may have moved the tag, so it looks. So does a job whose tag is
 * mapped by another policy.
 */
function mayDefer(job: JobRecord, { tag, fingerprint, repository }: BeforeLook): boolean {
  if (job.trigger !== 'webhook' || wasBegunBefore(job)) return false;
  return tag.committed?.fingerprint === fingerprint && tag.mapping?.mirrorRepository === repository;
}

function tellsWhatIsMapped({ toldDigest }: JobRecord, { tag }: BeforeLook): boolean {
  return toldDigest !== undefined && toldDigest === tag.committed?.sourceDigest;
}

/**
 * Reads a job that was counted. An event is counted a moment before its job is recorded. Recording
 * may fail, and only a recorded job will look.
 */
export async function readRecordedJob(
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
