import type { Config } from '../config/config.ts';
import { mirrorRepository } from '../policy/mirror-repository.ts';
import { inGroup, queuedMessage } from './enqueue.ts';
import type { JobQueue, JobStore, LayerLeases, ParkedJob, QueuedMessage } from './ports.ts';
import { isFinished, type JobRecord } from './record.ts';

export interface ResendDependencies {
  config: Config;
  jobs: JobStore;
  queue: JobQueue;
}

/** How many parked jobs one round takes; the next round follows at once while there are more. */
const roundSize = 100;

/**
 * Sends the parked jobs that are due, each once, and drops what was parked before a job was parked
 * again. The message goes out before the job leaves the parking place: a crash in between sends it
 * twice, which does no harm, instead of never.
 *
 * @returns how many were sent, and how many the queue refused: those stay parked for the next
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
    const live: { parked: ParkedJob; message: QueuedMessage; isWaiting: boolean }[] = [];
    const dropped: ParkedJob[] = [];
    for (const { parked, job } of jobs) {
      const message = messageOf(parked, job, deps.config, now);
      if (message === undefined || ids.has(parked.id)) dropped.push(parked);
      else {
        live.push({ parked, message, isWaiting: job?.state === 'waiting' });
        ids.add(parked.id);
      }
    }
    await Promise.all(dropped.map((parked) => deps.jobs.unpark(parked)));
    // Before the message goes out: a worker may be quicker than we are, and its `copying` must
    // stand.
    await Promise.all(
      live
        .filter(({ isWaiting }) => isWaiting)
        .map(({ parked }) => deps.jobs.update(parked.id, { state: 'queued', notBefore: undefined })),
    );
    const refused = await deps.queue.send(live.map(({ message }) => message));
    const refusedIds = new Set(refused.map(({ message }) => message.body.job));
    const gotThrough = live.filter(({ parked }) => !refusedIds.has(parked.id));
    await Promise.all(gotThrough.map(({ parked }) => deps.jobs.unpark(parked)));
    sent += gotThrough.length;
    if (refused.length > 0) return { sent, refused: refused.length };
  }
}

/** The message to send for a parked job; undefined if it is not due, or does not exist. */
function messageOf(
  parked: ParkedJob,
  job: JobRecord | undefined,
  config: Config,
  now: Date,
): QueuedMessage | undefined {
  // Whoever parked it died before its record was written: the worker writes one.
  if (!job) return parked.message && inGroup(parked.message, config);
  return isDue(job, parked, now) ? queuedMessage(job, config) : undefined;
}

/**
 * Whether to send a parked job. A queued one always: its message may never have been sent. One that
 * runs, or whose layers are carried, only if it was parked for this time last: each run parks the
 * job again, so that one that came for each older note, too, would come ever more often. One that
 * waits, as soon as its time has come, whichever note says so: then it is queued.
 */
function isDue(job: JobRecord, parked: ParkedJob, now: Date): boolean {
  if (isFinished(job)) return false;
  if (job.state === 'copying') return job.notBefore === parked.notBefore;
  return job.state !== 'waiting' || job.notBefore === undefined || Date.parse(job.notBefore) <= now.getTime();
}

/**
 * Queues every unfinished job again: what queues that lost their messages need (the embedded ones
 * do when they stop, with all workers). Layers that were queued or carried are free for their jobs
 * to ask for them again.
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
