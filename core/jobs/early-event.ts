import { RegistryError } from '../registry/errors.ts';
import { wait } from '../registry/retry.ts';
import type { JobRecord } from './record.ts';

/** An image that is not there so long after its event is not coming. */
const patienceMs = 10 * 60_000;
/**
 * The first looks again, within the same attempt: most events that are early are so by a second or two, and the schedule sends parked jobs
 * once a minute. The jobs of the repository wait as long, so it is not for longer.
 */
const shortPausesMs = [1_000, 2_000, 4_000];
/** Then the job is parked: for this time after its first attempt, and for as much more after each further one. */
const longPauseMs = 30_000;

type Job = Pick<JobRecord, 'trigger' | 'receivedAt' | 'attempts'>;

/**
 * Whether a job only seems to be about an image that does not exist: its event may have come before the image. Harbor and registries
 * with caches or replicas send it while some of their nodes do not know the manifest yet.
 */
export function mayBeEarly(error: unknown, job: Job, now: Date): boolean {
  return (
    isUnknown(error) && job.trigger === 'webhook' && now.getTime() - Date.parse(job.receivedAt) < patienceMs
  );
}

/** How long the job waits for its image after this attempt, milliseconds; the last time until its patience ends. */
export function pauseForImage({ attempts, receivedAt }: Job, now: Date): number {
  const left = Date.parse(receivedAt) + patienceMs - now.getTime();
  return Math.max(0, Math.min(left, longPauseMs * attempts));
}

/**
 * Reads what an event told of. On the first attempt of its job an image that the upstream does not know is asked for again some times,
 * a few seconds in all.
 *
 * @param pause how to wait, milliseconds; rejects when the signal ends
 */
export async function readWhenThere<T>(
  read: () => Promise<T>,
  job: Job,
  now: () => Date,
  signal: AbortSignal,
  pause: (ms: number, signal?: AbortSignal) => Promise<void> = wait,
): Promise<T> {
  for (const ms of job.attempts > 1 ? [] : shortPausesMs) {
    try {
      return await read();
    } catch (error) {
      if (!mayBeEarly(error, job, now())) throw error;
      await pause(ms, signal);
    }
  }
  return await read();
}

/** The upstream answered that there is no such manifest, tag or repository. */
function isUnknown(error: unknown): boolean {
  return error instanceof RegistryError && error.side === 'upstream' && error.status === 404;
}
