import type { Config } from '../../config/config.ts';
import type { Notifier } from '../../notify/ports.ts';
import { mirrorRepository } from '../../policy/mirror-repository.ts';
import { maxAttempts } from '../decide-retry.ts';
import { sendAgain } from '../enqueue.ts';
import { announceFailed } from '../mirror/announce-end.ts';
import type { JobQueue, JobStore, LayerLeases, LayerMessage } from '../ports.ts';
import { isFinished, type JobError, type JobMessage, type JobRecord, messageOf, newJob } from '../record.ts';
import { goneAfterMs } from './watch.ts';

/** A message that was received too often. */
export interface DeadLetter {
  /** The queue's ID of the message, which it had in its first queue, too. */
  id: string;
  /** As it was sent; it need not be one of ours. */
  body: string;
  /** Deletes it. */
  remove(): Promise<void>;
}

/** A dead-letter queue. */
export interface DeadLetterQueue {
  /**
   * Some of its messages, hidden from others for a minute; empty if there are none. Those that are
   * not removed come again.
   */
  receive(): Promise<DeadLetter[]>;
}

/** What recording dead letters works with. */
export interface DeadLetterDependencies {
  config: Config;
  jobs: JobStore;
  queue: JobQueue;
  leases: Pick<LayerLeases, 'free'>;
  notifier: Notifier;
  now: () => Date;
  /** Reports problems that need no second attempt. */
  warn: (message: string, error: unknown) => void;
}

/** What became of dead letters. */
export interface SettledLetters {
  /** Jobs that are now failed. */
  failed: JobRecord[];
  /** How many were sent again: no attempt had begun, so their jobs are not at fault. */
  sentAgain: number;
  /** What could not be worked off; these letters stay. */
  problems: unknown[];
}

/** A job whose messages end before any attempt begins fails after this time, in milliseconds. */
const patienceMs = 3 * 24 * 3_600_000;
/** No job has so many attempts unless each of its messages crashes. */
const mostAttempts = 2 * maxAttempts;
/** At most so often, ten messages or less are received in one call of the schedule. */
const maxRounds = 30;

/**
 * Empties the dead-letter queue of the mirror queue into the job table: a job whose message crashed
 * too often is recorded as failed, with the reason, and no longer shows as under way. The record
 * holds everything that its message held, so nothing is lost with the letter.
 *
 * A job whose attempts could not even begin is sent again: the table was unreachable, or the
 * function did not start. One that waits, or is finished, is in order; so is one that another
 * message of its has begun.
 *
 * @param readMessage reads a body; throws if it is not a job's message: that letter stays
 */
export async function settleDeadJobs(
  letters: DeadLetterQueue,
  readMessage: (body: string) => JobMessage,
  deps: DeadLetterDependencies,
): Promise<SettledLetters> {
  return await settleAll(letters, async ({ id, body }, settled) => {
    const message = readMessage(body);
    const job = await recordOf(message, deps);
    if (job === undefined || job.state === 'waiting') return;
    const age = deps.now().getTime() - Date.parse(job.receivedAt);
    if (job.state === 'queued' && age < patienceMs) {
      await sendAgain(messageOf(job), deps);
      settled.sentAgain += 1;
      return;
    }
    if (isElsewhere(job, id, deps.now())) return;
    settled.failed.push(await failJob(job, crashed(job), deps));
  });
}

/**
 * Does the same for the layer queue: a layer that crashed too often fails its image. The layer is
 * free for the next job that needs it.
 */
export async function settleDeadLayers(
  letters: DeadLetterQueue,
  readMessage: (body: string) => LayerMessage,
  deps: DeadLetterDependencies,
): Promise<SettledLetters> {
  return await settleAll(letters, async ({ body }, settled) => {
    const { job: id, layer } = readMessage(body);
    const job = await deps.jobs.read(id);
    if (job === undefined) return;
    const { registry, repository } = job.key;
    await deps.leases.free({
      repository: mirrorRepository(deps.config, registry, repository),
      layer: layer.digest,
    });
    if (isFinished(job)) return;
    settled.failed.push(await failJob(job, layerCrashed(layer), deps));
  });
}

async function settleAll(
  letters: DeadLetterQueue,
  settle: (letter: DeadLetter, settled: SettledLetters) => Promise<void>,
): Promise<SettledLetters> {
  const settled: SettledLetters = { failed: [], sentAgain: 0, problems: [] };
  for (let round = 0; round < maxRounds; round += 1) {
    const received = await letters.receive();
    if (received.length === 0) break;
    for (const letter of received) {
      try {
        await settle(letter, settled);
        await letter.remove();
      } catch (error) {
        settled.problems.push(error);
      }
    }
  }
  return settled;
}

/**
 * Whether another message of a job may be at work on it: its latest attempt is not this letter's,
 * and has not ended for certain. The job's watch looks at it again, so the letter is not needed.
 */
function isElsewhere(job: JobRecord, letter: string, now: Date): boolean {
  const { state, begunAt, begunBy, notBefore, attempts } = job;
  if (state !== 'copying' || begunBy === letter || attempts > mostAttempts) return false;
  // It is parked while layer jobs carry its layers.
  if (notBefore !== undefined) return true;
  return begunAt !== undefined && Date.parse(begunAt) + goneAfterMs > now.getTime();
}

/** The record of a message's job, or a new one if it is lost; undefined if the job is finished. */
async function recordOf(
  message: JobMessage,
  { jobs }: Pick<DeadLetterDependencies, 'jobs'>,
): Promise<JobRecord | undefined> {
  const { job: id, image: key, event, trigger, receivedAt, change } = message;
  const found = await jobs.read(id);
  if (found) return isFinished(found) ? undefined : found;
  const job = newJob({ id, key, event, trigger, receivedAt, change });
  await jobs.create(job);
  return job;
}

async function failJob(job: JobRecord, error: JobError, deps: DeadLetterDependencies): Promise<JobRecord> {
  const finishedAt = deps.now().toISOString();
  await announceFailed(job, error, deps);
  await deps.jobs.update(job.id, { state: 'failed', finishedAt, notBefore: undefined, error });
  return { ...job, state: 'failed', finishedAt, error };
}

const remedy = (log: string) =>
  `find the cause in the log of the ${log} function; once it is fixed, try again: drayage redrive`;

function crashed({ attempts, error }: JobRecord): JobError {
  const why =
    error?.code === 'internal'
      ? error.message
      : 'its function ended without an error, as it does when it runs out of memory or time';
  return {
    code: 'crashed',
    side: 'drayage',
    message: `given up after ${attempts} attempts that crashed: ${why}`,
    remedy: remedy('mirror'),
  };
}

function layerCrashed({ digest, size }: LayerMessage['layer']): JobError {
  return {
    code: 'crashed',
    side: 'drayage',
    message: `given up: the attempts to copy its layer ${digest} of ${size} bytes crashed`,
    remedy: remedy('layer'),
  };
}
