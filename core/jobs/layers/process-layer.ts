import type { Upstream } from '../../config/config.ts';
import { type BlobOutcome, copyBlob } from '../../copy/blob/copy-blob.ts';
import { indexedMounts } from '../../copy/blob/mount-sources.ts';
import { formatImageKey } from '../../mapping/record.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseReference } from '../../oci/reference.ts';
import { mirrorRepository } from '../../policy/mirror-repository.ts';
import { selectImage } from '../../policy/select-image.ts';
import { DeadlineError } from '../deadline.ts';
import { queuedMessage } from '../enqueue.ts';
import { JobFailure } from '../errors.ts';
import { mountableLayers } from '../mountable-layers.ts';
import type { LayerMessage } from '../ports.ts';
import { isFinished, type JobRecord } from '../record.ts';
import type { LayerDependencies, ProcessedLayer } from './layer-job.ts';
import { holdLease, queuedMs } from './layer-lease.ts';
import { reportLayerProgress } from './layer-progress.ts';
import { settleLayer } from './settle-layer.ts';

/**
 * The largest layer that Amazon ECR takes, 52,000 MiB, needs three at 24 MB/s, which one push stream is reported to reach: this
 * many are the sign that nothing gets on.
 */
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
  if (job === undefined) return { state: 'gone' };
  const repository = mirrorRepository(deps.config, job.key.registry, job.key.repository);
  const { digest } = message.layer;
  if (isFinished(job)) {
    // Another job may wait for the same layer.
    await deps.leases.unqueue(repository, digest);
    return { state: 'gone' };
  }
  const lease = await holdLease(repository, digest, deps);
  // What the other one can't do, the mirror job asks for again.
  if (lease === undefined) return { state: 'held' };
  try {
    return await carryAndWake(message, job, repository, deps, signal);
  } catch (error) {
    // Before the message comes again, by whatever way: it would find the lease taken, and be dropped.
    await lease.release();
    const outOfTime = signal.aborted && signal.reason instanceof DeadlineError;
    try {
      return outOfTime ? await again(message, job, repository, deps) : await settleLayer(error, job, deps);
    } catch (crash) {
      await queueAgain(repository, digest, deps);
      throw crash;
    }
  } finally {
    await lease.release();
  }
}

/** The message comes again: nobody needs to ask for the layer meanwhile. */
async function queueAgain(repository: string, layer: Digest, { leases, now, warn }: LayerDependencies) {
  await leases
    .queue(repository, layer, queuedMs, now())
    .catch((error: unknown) => warn('that a layer is queued could not be noted', error));
}

async function carryAndWake(
  message: LayerMessage,
  job: JobRecord,
  repository: string,
  deps: LayerDependencies,
  signal: AbortSignal,
): Promise<ProcessedLayer> {
  const { key } = job;
  const upstream = upstreamOf(job, deps);
  const { destination } = await deps.openMirror(repository, { signal });
  let how: BlobOutcome = 'present';
  if (!(await destination.presentBlobs([message.layer], { signal })).has(message.layer.digest)) {
    const source = await deps.openUpstream(upstream, key.repository);
    const progress = reportLayerProgress(
      (more) => deps.jobs.addProgress(job.id, more),
      (error) => deps.warn('a progress report could not be written', error),
    );
    let carried = false;
    try {
      const index = mountableLayers(deps.layerIndex, deps.config, key.registry);
      const mounts = await indexedMounts(index, repository, [message.layer], deps.warn, { signal });
      const { timeLimit } = deps;
      const { onEvent } = progress;
      how = await copyBlob(source, destination, message.layer, { mounts, timeLimit, signal, onEvent });
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
  repository: string,
  deps: LayerDependencies,
): Promise<ProcessedLayer> {
  const invocations = (message.invocations ?? 0) + 1;
  if (invocations >= maxInvocations) return await settleLayer(tooSlow(message, invocations), job, deps);
  await queueAgain(repository, message.layer.digest, deps);
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
