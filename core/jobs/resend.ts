import type { Config } from '../config/config.ts';
import { mirrorRepository } from '../policy/mirror-repository.ts';
import { inGroup, queuedMessage } from './enqueue.ts';
import type { JobQueue, JobStore, LayerLeases, ParkedJob, QueuedMessage } from './ports.ts';
import { isFinished, type JobRecord } from './record.ts';
import { watchStep } from './recovery/watch.ts';

export interface ResendDependencies {
  config: Config;
  jobs: JobStore;
  queue: JobQueue;
}

/**
 * How many parked jobs one round processes; while there are more, the next round follows at once.
 */
const roundSize = 100;

/**
 * Sends the parked jobs that are due, each once, and drops notes from before a job was parked
 * again. The message is sent before the note is removed: after a crash in between, it is sent
 * twice, which does no harm, rather than never.
 *
 * The note that is the job's watch is not removed before the job has another one, so that every job
 * that is not finished is looked at again ({@link watchStep}).
 *
 * @returns how many were sent, and how many the queue refused: these stay parked for the next
 *   round.
 */
export async function resendDue(
  deps: ResendDependencies,
  now: Date,
  signal?: AbortSignal,
): Promise<{ sent: number; refused: number }> {
  let sent = 0;
  const ids = new Set<string>();
  for (;;) {
    signal?.throwIfAborted();
    const due = await deps.jobs.due(now.toISOString(), roundSize);
    if (due.length === 0) return { sent, refused: 0 };
    const jobs = await Promise.all(
      due.map(async (parked) => ({ parked, job: await deps.jobs.read(parked.id) })),
    );
    const live: (DueNote & { message: QueuedMessage })[] = [];
    const others: DueNote[] = [];
    for (const { parked, job } of jobs) {
      const note = { parked, job, watch: job && nextWatch(job, parked, now) };
      const message = ids.has(parked.id) ? undefined : messageOf(parked, job, deps.config, now);
      if (message === undefined) others.push(note);
      else {
        live.push({ ...note, message });
        ids.add(parked.id);
      }
    }
    await Promise.all(others.map((note) => done(note, deps)));
    // Before the message is sent: a worker may be faster than we are, and must not have its
    // `copying` overwritten.
    await Promise.all(
      live
        .filter(({ job }) => job?.state === 'waiting')
        .map(({ parked }) => deps.jobs.update(parked.id, { state: 'queued', notBefore: undefined })),
    );
    const refused = await deps.queue.send(live.map(({ message }) => message));
    const refusedIds = new Set(refused.map(({ message }) => message.body.job));
    const gotThrough = live.filter(({ parked }) => !refusedIds.has(parked.id));
    await Promise.all(gotThrough.map((note) => done(note, deps)));
    sent += gotThrough.length;
    if (refused.length > 0) return { sent, refused: refused.length };
  }
}

/** A note whose time has come. */
interface DueNote {
  parked: ParkedJob;
  job: JobRecord | undefined;
  /** If the note is the job's watch, when the next one is due. */
  watch: Date | undefined;
}

/** Removes a note, after its job has the next watch if the note was that. */
async function done({ parked, watch }: DueNote, { jobs }: Pick<ResendDependencies, 'jobs'>): Promise<void> {
  if (watch !== undefined) {
    const notBefore = watch.toISOString();
    // The note first: after a crash in between, the old one is still the watch.
    await jobs.park({ id: parked.id }, notBefore);
    await jobs.update(parked.id, { watch: notBefore });
  }
  await jobs.unpark(parked);
}

function nextWatch(job: JobRecord, parked: ParkedJob, now: Date): Date | undefined {
  const isWatch = job.watch === parked.notBefore && !isFinished(job);
  return isWatch ? watchStep(job, now).next : undefined;
}

/** The message to send for a parked job; undefined if it is not due, or does not exist. */
function messageOf(
  parked: ParkedJob,
  job: JobRecord | undefined,
  config: Config,
  now: Date,
): QueuedMessage | undefined {
  // The process that parked it died before it wrote the record: the worker writes one.
  if (!job) return parked.message && inGroup(parked.message, config);
  return isDue(job, parked, now) ? queuedMessage(job, config) : undefined;
}

/**
 * Whether to send a parked job. A queued job is always sent: its message may never have been sent.
 * A running job, or one whose layers are being carried, is sent only for its latest note: each run
 * parks the job again, so sending it for older notes, too, would run it more and more often; and
 * for its watch, if its worker must be gone. A waiting job is sent once its time has come,
 * whichever note says so; it is then queued.
 */
function isDue(job: JobRecord, parked: ParkedJob, now: Date): boolean {
  if (isFinished(job)) return false;
  if (job.state === 'copying' && job.notBefore === parked.notBefore) return true;
  if (job.state === 'copying') return job.watch === parked.notBefore && watchStep(job, now).send;
  return job.state !== 'waiting' || job.notBefore === undefined || Date.parse(job.notBefore) <= now.getTime();
}

/**
 * Queues every unfinished job again, for queues that lost their messages (the embedded ones do when
 * they stop, along with all workers). Layers that were queued or being carried are freed, so that
 * their jobs can queue them again.
 *
 * @returns how many jobs were sent.
 */
export async function resendUnfinished(
  deps: ResendDependencies & { leases: Pick<LayerLeases, 'free'> },
): Promise<number> {
  let sent = 0;
  let cursor: string | undefined;
  do {
    const page = await deps.jobs.list({ states: ['queued', 'waiting', 'copying'], limit: roundSize, cursor });
    await Promise.all(page.jobs.map((job) => freeLayers(job, deps)));
    const refused = await deps.queue.send(page.jobs.map((job) => queuedMessage(job, deps.config)));
    if (refused.length > 0)
      throw new Error(`the queue refused ${refused.length} jobs: ${refused[0]?.reason}`);
    sent += page.jobs.length;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return sent;
}

async function freeLayers(
  { key, fannedOut }: JobRecord,
  { config, leases }: { config: Config; leases: Pick<LayerLeases, 'free'> },
): Promise<void> {
  const repository = mirrorRepository(config, key.registry, key.repository);
  await Promise.all(
    (fannedOut?.layers ?? []).map(({ digest }) => leases.free({ repository, layer: digest })),
  );
}
