import type { JobStore } from './ports.ts';
import type { JobMessage, JobRecord } from './record.ts';

/**
 * Writes a new job's parking note, then its record. In this order, so that whoever sees the record can rely on the job being sent: a
 * record alone would be a job that nobody sends. A note alone contains the job's message, and is sent anyway.
 *
 * @param until when the schedule sends it, if nobody else has by then
 */
export async function recordParked(
  message: JobMessage,
  until: Date,
  state: 'queued' | 'waiting',
  jobs: Pick<JobStore, 'park' | 'create'>,
  toldDigest?: string,
): Promise<JobRecord> {
  const { job: id, image: key, event, trigger, receivedAt } = message;
  const notBefore = until.toISOString();
  await jobs.park({ id, message }, notBefore);
  const job: JobRecord = {
    id,
    key,
    event,
    state,
    trigger,
    ...(toldDigest !== undefined && { toldDigest }),
    receivedAt,
    ...(state === 'waiting' && { notBefore }),
    attempts: 0,
  };
  await jobs.create(job);
  return job;
}
