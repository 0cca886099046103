import type { TagKey } from '../../mapping/record.ts';
import { type EnqueueDependencies, sendJobs } from '../enqueue.ts';
import { type Change, type JobRecord, newJob, newJobId } from '../record.ts';
import { recordParked } from '../record-parked.ts';

/** If its message gets lost, the schedule sends a change again after this time. */
const lostAfterMs = 60_000;

/** A change of a tag's mapping that somebody asks for. */
export interface ChangeToQueue {
  key: TagKey;
  change: Change;
}

/**
 * Records a job that changes a tag's mapping, and queues it. It counts as an event only if it looks
 * at upstream, so that no other job relies on its look.
 *
 * @throws NotQueuedError if the queue refused it. The job is then parked, and runs a minute later.
 */
export async function requestChange(
  { key, change }: ChangeToQueue,
  deps: EnqueueDependencies,
): Promise<JobRecord> {
  const now = deps.now?.() ?? new Date();
  const id = newJobId(now.getTime());
  const event =
    change.kind === 'unpin'
      ? await deps.mappings.raiseEvent(key, id)
      : ((await deps.mappings.read(key))?.events ?? 0);
  const trigger = change.kind === 'rollback' ? 'rollback' : 'pin';
  const job = newJob({ id, key, event, trigger, change, receivedAt: now.toISOString() });
  await recordParked(job, new Date(now.getTime() + lostAfterMs), deps.jobs);
  await sendJobs([job], deps);
  return job;
}
