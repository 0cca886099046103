import type { Config } from '../config/config.ts';
import { formatImageKey, type ImageKey } from '../mapping/record.ts';
import type { MappingStore } from '../mapping/store.ts';
import { mirrorRepository } from '../policy/mirror-repository.ts';
import type { JobQueue, JobStore, QueuedMessage } from './ports.ts';
import { type JobMessage, type JobRecord, type JobTrigger, messageOf, newJob, newJobId } from './record.ts';
import { recordParked } from './record-parked.ts';
import { lostAfterMs } from './recovery/watch.ts';

export interface EnqueueDependencies {
  config: Config;
  mappings: MappingStore;
  jobs: JobStore;
  queue: JobQueue;
  now?: () => Date;
}

/** An image to create a job for. */
export interface ImageToQueue {
  key: ImageKey;
  /** The digest that the tag points to, according to the event. */
  toldDigest?: string | undefined;
}

/**
 * Not every job could be queued. The others are parked if possible, so that they run a minute
 * later.
 */
export class NotQueuedError extends Error {
  override readonly name = 'NotQueuedError';
}

/** After this time, the schedule sends a job again whose message was refused. */
const retryAfterMs = 60_000;
/** At most this many tags are counted and recorded at once. */
const chunkSize = 100;

/**
 * Makes a job for each image and queues it: counts the event, parks the job, writes its
 * record, then sends the message. The order matters: a worker must find the record of a message,
 * and the schedule sends a parked job whatever happens next.
 *
 * @returns the jobs, in the order of the images, once all of them are in the queue.
 * @throws NotQueuedError if some could not be queued. The sender must send the event again, which
 *   does no harm to the others.
 */
export async function enqueue(
  images: ImageToQueue[],
  trigger: JobTrigger,
  deps: EnqueueDependencies,
): Promise<JobRecord[]> {
  const queued: JobRecord[] = [];
  for (let start = 0; start < images.length; start += chunkSize) {
    const recorded = await Promise.allSettled(
      images.slice(start, start + chunkSize).map((image) => record(image, trigger, deps)),
    );
    // Recorded jobs are sent even if others could not be recorded.
    const jobs = recorded.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    await sendJobs(jobs, deps);
    const lost = recorded.find((result) => result.status === 'rejected');
    if (lost) throw lost.reason;
    queued.push(...jobs);
  }
  return queued;
}

async function record(
  { key, toldDigest }: ImageToQueue,
  trigger: JobTrigger,
  deps: EnqueueDependencies,
): Promise<JobRecord> {
  const now = deps.now?.() ?? new Date();
  const id = newJobId();
  // Jobs may leave their look to that of the latest event, and a deletion job does not mirror.
  const event = trigger === 'deletion' ? 0 : await deps.mappings.raiseEvent(key, id);
  const job = newJob({ id, key, event, trigger, receivedAt: now.toISOString(), toldDigest });
  return await recordParked(job, new Date(now.getTime() + lostAfterMs), deps.jobs);
}

/**
 * Sends jobs whose records exist. Jobs that the queue refuses are parked for a minute.
 *
 * @throws NotQueuedError with the number of refused jobs and the reason.
 */
export async function sendJobs(
  jobs: JobRecord[],
  deps: Omit<EnqueueDependencies, 'mappings'>,
): Promise<void> {
  const refused = await deps.queue.send(jobs.map((job) => queuedMessage(job, deps.config)));
  if (refused.length === 0) return;
  const notBefore = new Date((deps.now?.() ?? new Date()).getTime() + retryAfterMs).toISOString();
  await Promise.all(
    refused.map(async ({ message }) => {
      const id = message.body.job;
      await deps.jobs.park({ id }, notBefore);
      await deps.jobs.update(id, { state: 'waiting', notBefore });
    }),
  );
  throw new NotQueuedError(
    `${refused.length} of ${jobs.length} jobs could not be queued (${refused[0]?.reason}): send the event again`,
  );
}

/** A job's message, in the group of its mirror repository. */
export function queuedMessage(job: JobRecord, config: Config): QueuedMessage {
  return inGroup(messageOf(job), config);
}

/**
 * A message in the group of its mirror repository, or of its tag if somebody asked for a change of
 * the mapping: a rollback must not wait until a large image of the same repository is copied. One
 * that is set apart has a group of its own. The tag's lease gives them an order.
 */
export function inGroup(body: JobMessage, config: Config): QueuedMessage {
  const { image, change, apart, job } = body;
  if (apart) return { group: `apart ${job}`, body };
  if (change) return { group: `change ${formatImageKey(image)}`, body };
  return { group: mirrorRepository(config, image.registry, image.repository), body };
}

/** Queues a job's message once more. @throws Error where the queue refuses it */
export async function sendAgain(
  body: JobMessage,
  { queue, config }: Pick<EnqueueDependencies, 'queue' | 'config'>,
): Promise<void> {
  const [refused] = await queue.send([inGroup(body, config)]);
  if (refused) throw new Error(`the job could not be queued again: ${refused.reason}`);
}
