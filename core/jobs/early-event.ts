import { wait } from '../async/wait.ts';
import { RegistryError } from '../registry/errors.ts';
import type { JobRecord } from './record.ts';

/**
 * When to look again for an event's image: this long after the event, in milliseconds. After the
 * last look, the job stops waiting. The schedule sends due jobs once a minute.
 */
const looksMs = [60_000, 120_000, 240_000, 480_000, 600_000];
const patienceMs = 600_000;
/** A look that would come sooner than this after the last one is left out, in milliseconds. */
const leastPauseMs = 15_000;
/**
 * The first looks, within the same attempt: most early events are early by a second or two. The
 * repository's other jobs wait meanwhile, so an older event gets no such looks.
 */
const shortPausesMs = [1_000, 2_000, 4_000];
const shortPatienceMs = 10_000;

type Job = Pick<JobRecord, 'trigger' | 'receivedAt'>;

/**
 * Whether a missing image may still appear: the job's event may have come before the image, or
 * before some of its layers. Harbor and registries with caches or replicas send events while some
 * of their nodes do not know the manifest yet.
 */
export function mayBeEarly(error: unknown, job: Job, now: Date): error is RegistryError {
  return isUnknown(error) && job.trigger === 'webhook' && ageOf(job, now) < patienceMs;
}

/**
 * Whether a scheduled look found that its image has been deleted upstream, which leaves nothing to
 * fix.
 */
export function isDeletedMeanwhile(error: unknown, { trigger }: Pick<JobRecord, 'trigger'>): boolean {
  return isUnknown(error) && trigger === 'recheck';
}

/**
 * How long the job waits until its image is looked for again, in milliseconds. It depends only on
 * the event's age.
 */
export function pauseForImage(job: Job, now: Date): number {
  const age = ageOf(job, now);
  const next = looksMs.find((look) => look >= age + leastPauseMs) ?? patienceMs;
  return Math.max(0, next - age);
}

/**
 * Reads an event's image. While the event is a few seconds old, it asks again for an image that the
 * upstream does not know.
 *
 * @param patience.pause how to wait, milliseconds; rejects when the signal aborts
 */
export async function readWhenThere<T>(
  read: () => Promise<T>,
  patience: {
    job: Job;
    now: () => Date;
    signal: AbortSignal;
    pause?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
  },
): Promise<T> {
  const { job, now, signal, pause = wait } = patience;
  for (const ms of shortPausesMs) {
    try {
      return await read();
    } catch (error) {
      if (!mayBeEarly(error, job, now()) || ageOf(job, now()) >= shortPatienceMs) throw error;
      await pause(ms, signal);
    }
  }
  return await read();
}

function ageOf({ receivedAt }: Job, now: Date): number {
  return now.getTime() - Date.parse(receivedAt);
}

/** The upstream answered that it has no such manifest, tag, blob or repository. */
function isUnknown(error: unknown): error is RegistryError {
  return error instanceof RegistryError && error.side === 'upstream' && error.status === 404;
}
