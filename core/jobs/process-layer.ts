import type { Upstream } from '../config/config.ts';
import { formatImageKey } from '../mapping/record.ts';
import { parseReference } from '../oci/reference.ts';
import { mirrorRepository } from '../policy/mirror-repository.ts';
import { selectImage } from '../policy/select-image.ts';
import { carryLayer } from './carry-layer.ts';
import { queuedMessage } from './enqueue.ts';
import { judge } from './failure.ts';
import { JobFailure } from './job-failure.ts';
import { holdLease } from './layer-lease.ts';
import { reportLayerProgress } from './layer-progress.ts';
import type { JobQueue, LayerLeases, LayerMessage, LayerQueue, UpstreamGate } from './ports.ts';
import { DeadlineError } from './process-message.ts';
import { isFinished, type JobError, type JobRecord } from './record.ts';
import type { MirrorJobDependencies } from './run-mirror-job.ts';

export interface LayerDependencies
  extends Pick<MirrorJobDependencies, 'config' | 'jobs' | 'openUpstream' | 'openMirror' | 'now' | 'warn'> {
  /** The mirror queue: where a job is woken. */
  queue: JobQueue;
  /** The layer queue: where a layer goes on that did not fit into this invocation. */
  layerQueue: LayerQueue;
  leases: LayerLeases;
  gate: UpstreamGate;
}

/** What became of a layer message. */
export type ProcessedLayer =
  /** Its job was finished before, or is unknown. */
  | { state: 'gone' }
  /** Another worker carries the layer. */
  | { state: 'held' }
  /** The mirror has the layer. `complete`: it has all of the image's large ones, and the mirror job was woken. */
  | { state: 'carried'; how: 'present' | 'copied' | 'mounted'; complete: boolean }
  /** The invocation's time is used up: the layer is queued again. */
  | { state: 'queued' }
  /** The mirror job waits, and will ask again for what is missing. */
  | { state: 'waiting'; error?: JobError; notBefore: string }
  /** The image failed. */
  | { state: 'failed'; error: JobError };

/** At 24 MB/s (bench, and what others report of one push stream to ECR) these are far more than the largest layer takes. */
const maxInvocations = 100;

/**
 * Carries the layer of a message, and wakes its mirror job when the mirror has all large layers of the image. When this
 * returns, the message may be deleted; when it throws, the message must come again.
 *
 * The job is woken before the message goes: a crash in between asks again. Two layers that end at the same time may both
 * wake it, which does no harm.
 *
 * @param signal ends the attempt; with a {@link DeadlineError} as its reason the layer is queued again at once.
 */
export async function processLayer(
  message: LayerMessage,
  deps: LayerDependencies,
  signal: AbortSignal,
): Promise<ProcessedLayer> {
  const job = await deps.jobs.read(message.job);
  if (job === undefined || isFinished(job)) return { state: 'gone' };
  const lease = await holdLease(message, deps);
  // What the other one can't do, the mirror job asks for again.
  if (lease === undefined) return { state: 'held' };
  try {
    return await carryAndWake(message, job, deps, signal);
  } catch (error) {
    // Before the message comes again, by whatever way: it would find the lease taken, and be dropped.
    await lease.release();
    const outOfTime = signal.aborted && signal.reason instanceof DeadlineError;
    return outOfTime ? await again(message, job, deps) : await settle(error, job, deps);
  } finally {
    await lease.release();
  }
}

async function carryAndWake(
  message: LayerMessage,
  job: JobRecord,
  deps: LayerDependencies,
  signal: AbortSignal,
): Promise<ProcessedLayer> {
  const { key } = job;
  const upstream = upstreamOf(job, deps);
  const repository = mirrorRepository(deps.config, key.registry, key.repository);
  const { destination } = await deps.openMirror(repository, { signal });
  let how: 'present' | 'copied' | 'mounted' = 'present';
  if (!(await destination.presentBlobs([message.layer], { signal })).has(message.layer.digest)) {
    const until = await deps.gate.closedUntil(upstream.registry, deps.now());
    if (until) return await park(job, until, deps);
    const source = await deps.openUpstream(upstream, key.repository);
    const progress = reportLayerProgress(
      (more) => deps.jobs.addProgress(job.id, more),
      (error) => deps.warn('a progress report could not be written', error),
    );
    let carried = false;
    try {
      how = await carryLayer(source, destination, message.layer, { signal, onEvent: progress.onEvent });
      carried = true;
    } finally {
      await progress.stop(carried);
    }
  }
  const present = await destination.presentBlobs(message.layers, { signal });
  const complete = message.layers.every(({ digest }) => present.has(digest));
  if (complete) {
    const refused = await deps.queue.send([queuedMessage(job, deps.config)]);
    if (refused[0]) throw new Error(`the mirror job could not be woken: ${refused[0].reason}`);
  }
  return { state: 'carried', how, complete };
}

/** The configuration may have changed since the mirror job asked for the layer. */
function upstreamOf(job: JobRecord, { config }: LayerDependencies): Upstream {
  const image = formatImageKey(job.key);
  const selection = selectImage(config, parseReference(image));
  if (selection.mirrored) return selection.upstream;
  throw new JobFailure('not_configured', `${image}: ${selection.reason}`, 'add a rule for it to mirror.yaml');
}

async function again(
  message: LayerMessage,
  job: JobRecord,
  deps: LayerDependencies,
): Promise<ProcessedLayer> {
  const invocations = (message.invocations ?? 0) + 1;
  if (invocations >= maxInvocations) return await settle(tooSlow(message, invocations), job, deps);
  const refused = await deps.layerQueue.send([{ ...message, invocations }]);
  if (refused[0]) throw new Error(`the layer could not be queued again: ${refused[0].reason}`);
  return { state: 'queued' };
}

function tooSlow({ layer }: LayerMessage, invocations: number): JobFailure {
  return new JobFailure(
    'too_slow',
    `the layer ${layer.digest} of ${layer.size} bytes is not carried after ${invocations} invocations`,
    'mirror the image once from a machine without this limit (drayage copy), then request it again: its blobs will be present',
  );
}

/** Records what an error means for the image. @throws the error itself where it is ours. */
async function settle(error: unknown, job: JobRecord, deps: LayerDependencies): Promise<ProcessedLayer> {
  const verdict = judge(error, job);
  if (verdict.kind === 'crash') throw error;
  if (verdict.kind === 'fail') {
    await deps.jobs.update(job.id, {
      state: 'failed',
      finishedAt: deps.now().toISOString(),
      notBefore: undefined,
      error: verdict.error,
    });
    return { state: 'failed', error: verdict.error };
  }
  const until = new Date(deps.now().getTime() + verdict.delayMs);
  // A rate limit: all workers shall leave the registry alone, and the attempt does not count.
  if (!verdict.counted && verdict.error.side === 'upstream') await deps.gate.close(job.key.registry, until);
  return await park(job, until, deps, {
    error: verdict.error,
    ...(verdict.counted ? {} : { attempts: Math.max(0, job.attempts - 1) }),
  });
}

/** Lets the mirror job wait: it asks again for the layers that are missing then. */
async function park(
  job: JobRecord,
  until: Date,
  deps: LayerDependencies,
  changes: Pick<JobRecord, 'error'> & Partial<Pick<JobRecord, 'attempts'>> = {},
): Promise<ProcessedLayer> {
  const notBefore = until.toISOString();
  // Parked first: a job that waits but is nowhere parked would wait for ever.
  await deps.jobs.park(job, notBefore);
  await deps.jobs.update(job.id, { state: 'waiting', notBefore, ...changes });
  return { state: 'waiting', notBefore, ...(changes.error && { error: changes.error }) };
}
