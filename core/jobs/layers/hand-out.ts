import type { IndexedMounts } from '../../copy/blob/mount-sources.ts';
import type { CopyPlan } from '../../copy/plan.ts';
import type { Amount, CallOptions, ImageDestination, Transfer } from '../../copy/ports.ts';
import type { FanOut } from '../ports.ts';
import type { FannedOut, LayerBlob } from '../record.ts';
import { queuedMs } from './layer-lease.ts';

/**
 * The minimum size of layers that are handed out, in bytes, unless the deployment says otherwise. A
 * queue and the start of another function take a second or two. Above that, streams in several
 * functions are faster than in one.
 */
export const defaultFanOutBytes = 128 * 1024 * 1024;
/**
 * The most layers of one image that are handed out: checking all of them then takes a single
 * request.
 */
const maxLayers = 100;
/** A layer that is the only one is not worth a job of its own. */
const fewest = 2;

/**
 * When the job checks on its layer jobs, which may have died: a lease that is not renewed has
 * expired by then.
 */
export const lookAgainMs = 90_000;

/**
 * If not all layers of a fan-out are there after this time, the image fails: in a day, one stream
 * of 24 MB/s carries 2 TB.
 */
export const maxFanOutMs = 24 * 3_600_000;

/**
 * The layers of a plan that layer jobs should carry: large, missing, and held by no repository that
 * they could be mounted from.
 */
export async function layersToHandOut(
  { missing }: Pick<CopyPlan, 'missing'>,
  { mounts, minBytes }: { mounts: Pick<IndexedMounts, 'sourceOf'>; minBytes: number },
  options: CallOptions,
): Promise<LayerBlob[]> {
  const large = missing.filter(({ size }) => size >= minBytes);
  if (large.length < fewest) return [];
  const sources = await Promise.all(large.map((blob) => mounts.sourceOf(blob, options)));
  const layers = large.filter((_, index) => sources[index] === undefined).slice(0, maxLayers);
  if (layers.length < fewest) return [];
  // The largest first: they take longest.
  return layers
    .sort((a, b) => b.size - a.size)
    .map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
}

/**
 * Queues layer jobs for the layers that no job of the repository is carrying or has queued. A
 * superfluous message does no harm.
 *
 * @param handed.missing the layers that the mirror lacks
 * @returns the layers that it queued
 * @throws Error if the queue refuses some, so that the mirror job is delivered again
 */
export async function handOut(
  handed: { job: string; repository: string; layers: LayerBlob[]; missing: LayerBlob[] },
  { queue, leases }: Pick<FanOut, 'queue' | 'leases'>,
  now: Date,
): Promise<LayerBlob[]> {
  const { job, repository, layers, missing } = handed;
  const digests = missing.map(({ digest }) => digest);
  const held = await leases.held(repository, digests, now);
  const free = missing.filter(({ digest }) => !held.has(digest));
  // Before they are sent: a job that looks at the same time then does not send them, too.
  const noted = await Promise.all(
    free.map(({ digest }) => leases.queue({ repository, layer: digest }, queuedMs, now)),
  );
  const wanted = free.filter((_, index) => noted[index]);
  const forget = (lost: LayerBlob[]) =>
    Promise.all(lost.map(({ digest }) => leases.unqueue({ repository, layer: digest })));
  const refused = await queue
    .send(wanted.map((layer) => ({ job, layer, layers })))
    .catch(async (error: unknown) => {
      await forget(wanted);
      throw error;
    });
  await forget(refused.map(({ message }) => message.layer));
  if (refused[0]) throw new Error(`${refused.length} layers could not be queued: ${refused[0].reason}`);
  return wanted;
}

/** Which of the layers that were handed out the mirror lacks. */
export async function missingLayers(
  { layers }: Pick<FannedOut, 'layers'>,
  destination: ImageDestination,
  options: CallOptions,
): Promise<LayerBlob[]> {
  const present = await destination.presentBlobs(layers, options);
  return layers.filter(({ digest }) => !present.has(digest));
}

/**
 * The image's transfer once the layers are carried, too. Layers that others queued count as present
 * for this job.
 */
export function withLayers(transfer: Transfer, layers: LayerBlob[], asked: LayerBlob[]): Transfer {
  const own = new Set(asked.map(({ digest }) => digest));
  const { copied, present, ...rest } = transfer;
  return {
    ...rest,
    copied: withAmount(copied, asked),
    present: withAmount(
      present,
      layers.filter(({ digest }) => !own.has(digest)),
    ),
  };
}

function withAmount({ blobs, bytes }: Amount, more: LayerBlob[]): Amount {
  return { blobs: blobs + more.length, bytes: more.reduce((sum, { size }) => sum + size, bytes) };
}
