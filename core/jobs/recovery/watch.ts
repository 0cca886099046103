import type { JobRecord } from '../record.ts';

/**
 * Every job is parked for this time before it is recorded, in milliseconds. If its creator dies
 * before the message is sent, the schedule sends it. A job that is still waiting for its turn then
 * gets a second message, which does no harm.
 */
export const lostAfterMs = 10 * 60_000;
/**
 * An attempt that began this long ago has ended, one way or another: a function runs for 15 minutes
 * at most, and a message that crashed is hidden for 15 minutes at most.
 */
export const goneAfterMs = 30 * 60_000;

/** What the schedule does when a job's watch is due. */
export interface WatchStep {
  /** Whether the job's message may be lost, so that it is sent again. */
  send: boolean;
  /** When the schedule looks at the job next. */
  next: Date;
}

/**
 * Decides about a job that is not finished. One note of each job, its watch, always lies in the
 * table until the job is finished: so a job whose message was lost, with its worker or without, is
 * sent again some time later. The message of a job that is still queued is sent again in growing
 * pauses, since a long queue would only grow longer.
 */
export function watchStep(
  {
    state,
    receivedAt,
    begunAt,
    notBefore,
  }: Pick<JobRecord, 'state' | 'receivedAt' | 'begunAt' | 'notBefore'>,
  now: Date,
): WatchStep {
  const soon = now.getTime() + lostAfterMs;
  if (state === 'waiting') {
    const due = notBefore === undefined ? 0 : Date.parse(notBefore);
    return { send: due <= now.getTime(), next: new Date(Math.max(soon, due + lostAfterMs)) };
  }
  if (state === 'copying') {
    const gone = Date.parse(begunAt ?? receivedAt) + goneAfterMs;
    return gone <= now.getTime()
      ? { send: true, next: new Date(now.getTime() + goneAfterMs) }
      : { send: false, next: new Date(gone) };
  }
  const age = now.getTime() - Date.parse(receivedAt);
  return { send: true, next: new Date(Math.max(soon, now.getTime() + age)) };
}
