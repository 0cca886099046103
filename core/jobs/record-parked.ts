import type { JobStore } from './ports.ts';
import { type JobRecord, messageOf } from './record.ts';

/**
 * Writes a new job's parking note, then its record. The order guarantees that a job with a record
 * is sent: a record alone would be a job that is never sent. A note alone contains the job's
 * message, and is sent anyway.
 *
 * The note is the job's watch: until the job is finished, the schedule replaces it by a later one.
 *
 * @param until when the schedule sends it, unless it was sent before
 */
export async function recordParked(
  job: JobRecord,
  until: Date,
  jobs: Pick<JobStore, 'park' | 'create'>,
): Promise<JobRecord> {
  const watched = { ...job, watch: until.toISOString() };
  await jobs.park({ id: job.id, message: messageOf(job) }, watched.watch);
  await jobs.create(watched);
  return watched;
}
