import type { Config, Upstream } from '../../config/config.ts';
import { type BlobOutcome, copyBlob } from '../../copy/blob/copy-blob.ts';
import { indexedMounts } from '../../copy/blob/mount-sources.ts';
import type { ImageDestination } from '../../copy/ports.ts';
import { formatImageKey } from '../../mapping/record.ts';
import { parseReference } from '../../oci/reference.ts';
import { mirrorRepository } from '../../policy/mirror-repository.ts';
import { selectImage } from '../../policy/select-image.ts';
import { DeadlineError } from '../deadline.ts';
import { queuedMessage } from '../enqueue.ts';
import { notConfigured, tooSlow } from '../errors.ts';
import { mountableLayers } from '../mountable-layers.ts';
import type { LayerMessage, LayerPlace } from '../ports.ts';
import { isFinished, type JobRecord } from '../record.ts';
import type { LayerDependencies, ProcessedLayer } from './layer-job.ts';
import { holdLease, queuedMs } from './layer-lease.ts';
import { reportLayerProgress } from './layer-progress.ts';
import { settleLayer } from './settle-layer.ts';

/**
 * The largest layer that Amazon ECR accepts, 52,000 MiB, needs three invocations at 24 MB/s, which
 * one push stream is reported to reach. This many mean that there is no progress.
 */
const maxInvocations = 100;

/**
 * Carries the layer of a message, and wakes its mirror job when the mirror has all large layers of
 * the image. When this returns, the message may be deleted; when it throws, the message must be
 * delivered again.
 *
 * The job is woken before the message is deleted, so a crash in between repeats the work. Two
 * layers that end at the same time may both wake it, which does no harm.
 *
 * @param signal ends the attempt; with a {@link DeadlineError} as its reason, the layer is queued
 *   again at once.
 */
export async function processLayer(
  message: LayerMessage,
  deps: LayerDependencies,
  signal: AbortSignal,
): Promise<ProcessedLayer> {
  const job = await deps.jobs.read(message.job);
  if (job === undefined) return { state: 'gone' };
  const repository = mirrorRepository(deps.config, job.key.registry, job.key.repository);
  const place: LayerPlace = { repository, layer: message.layer.digest };
  if (isFinished(job)) {
    // Another job may wait for the same layer.
    await deps.leases.unqueue(place);
    return { state: 'gone' };
  }
  const lease = await holdLease(place, deps);
  // If the other worker fails, the mirror job queues the layer again.
  if (lease === undefined) return { state: 'held' };
  const work: LayerWork = { message, job, place };
  try {
    return await carryAndWake(work, deps, signal);
  } catch (error) {
    // Before the message is delivered again, in any way: it would find the lease taken, and be
    // dropped.
    await lease.release();
    const outOfTime = signal.aborted && signal.reason instanceof DeadlineError;
    try {
      return outOfTime ? await again(work, deps) : await settleLayer(error, job, deps);
    } catch (crash) {
      await queueAgain(place, deps);
      throw crash;
    }
  } finally {
    await lease.release();
  }
}

/** A layer on its way, and the mirror job that asked for it. */
interface LayerWork {
  message: LayerMessage;
  job: JobRecord;
  place: LayerPlace;
}

/** The message is delivered again: no job needs to queue the layer meanwhile. */
async function queueAgain(
  place: LayerPlace,
  { leases, now, warn }: Pick<LayerDependencies, 'leases' | 'now' | 'warn'>,
): Promise<void> {
  await leases
    .queue(place, queuedMs, now())
    .catch((error: unknown) => warn('failed to record that the layer is queued', error));
}

async function carryAndWake(
  work: LayerWork,
  deps: LayerDependencies,
  signal: AbortSignal,
): Promise<ProcessedLayer> {
  const upstream = upstreamOf(work.job, deps.config);
  const { destination } = await deps.openMirror(work.place.repository, { signal });
  const how = await carry({ ...work, upstream, destination }, deps, signal);
  return { state: 'carried', how, complete: await wakeIfComplete({ ...work, destination }, deps, signal) };
}

/** Ensures that the mirror has the layer. */
async function carry(
  {
    message,
    job,
    place,
    upstream,
    destination,
  }: LayerWork & {
    upstream: Upstream;
    destination: ImageDestination;
  },
  deps: LayerDependencies,
  signal: AbortSignal,
): Promise<BlobOutcome> {
  const { layer } = message;
  if ((await destination.presentBlobs([layer], { signal })).has(layer.digest)) return 'present';
  const source = await deps.openUpstream(upstream, job.key.repository);
  const progress = reportLayerProgress(
    (more) => deps.jobs.addProgress(job.id, more),
    (error) => deps.warn('a progress report could not be written', error),
  );
  let carried = false;
  try {
    const index = mountableLayers(deps.layerIndex, deps.config, job.key.registry);
    const mounts = await indexedMounts(
      { index, repository: place.repository, blobs: [layer], warn: deps.warn },
      { signal },
    );
    const { timeLimit } = deps;
    const { onEvent } = progress;
    const how = await copyBlob(source, destination, layer, { mounts, timeLimit, signal, onEvent });
    carried = true;
    return how;
  } finally {
    await progress.stop(carried);
  }
}

/** Wakes the mirror job if the mirror has all large layers of the image. @returns whether it has */
async function wakeIfComplete(
  { message, job, destination }: LayerWork & { destination: ImageDestination },
  deps: Pick<LayerDependencies, 'config' | 'queue'>,
  signal: AbortSignal,
): Promise<boolean> {
  const present = await destination.presentBlobs(message.layers, { signal });
  if (!message.layers.every(({ digest }) => present.has(digest))) return false;
  const refused = await deps.queue.send([queuedMessage(job, deps.config)]);
  if (refused[0]) throw new Error(`the mirror job could not be woken: ${refused[0].reason}`);
  return true;
}

/** The configuration may have changed since the mirror job queued the layer. */
function upstreamOf(job: JobRecord, config: Config): Upstream {
  const image = formatImageKey(job.key);
  const selection = selectImage(config, parseReference(image));
  if (selection.mirrored) return selection.upstream;
  throw notConfigured(image, selection.reason);
}

async function again({ message, job, place }: LayerWork, deps: LayerDependencies): Promise<ProcessedLayer> {
  const invocations = (message.invocations ?? 0) + 1;
  if (invocations >= maxInvocations) {
    const { digest, size } = message.layer;
    const failure = tooSlow(
      `the layer ${digest} of ${size} bytes is still not copied after ${invocations} invocations`,
    );
    return await settleLayer(failure, job, deps);
  }
  await queueAgain(place, deps);
  const refused = await deps.layerQueue.send([{ ...message, invocations }]);
  if (refused[0]) throw new Error(`the layer could not be queued again: ${refused[0].reason}`);
  return { state: 'queued' };
}
