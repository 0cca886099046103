import type { IndexedMounts } from '../../copy/blob/mount-sources.ts';
import type { CopyPlan } from '../../copy/plan.ts';
import type { Amount, CallOptions, ImageDestination, Transfer } from '../../copy/ports.ts';
import type { FanOut } from '../ports.ts';
import type { FannedOut, LayerBlob } from '../record.ts';
import { queuedMs } from './layer-lease.ts';

/**
 * The size from which on layers are handed out unless the deployment says otherwise, bytes: above
 * the second or two that a queue and another function's start take, several streams out of several
 * functions are faster than out of one.
 */
export const defaultFanOutBytes = 128 * 1024 * 1024;
/**
 * More than this many layers of one image are not handed out: one question about them all is one
 * request.
 */
const maxLayers = 100;
/** A layer is not worth a job of its own if it is the only one. */
const fewest = 2;

/**
 * When the job looks after its layer jobs, which may have gone silent: a lease that nobody renews
 * has run out by then.
 */
export const lookAgainMs = 90_000;

/**
 * A fan-out whose layers are not all there after this time fails its image: a day moves 2 TB
 * through one stream of 24 MB/s.
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
 * Asks for layer jobs for what nobody is carrying or has asked for, this job or another one of the
 * repository. One message too many does no harm.
 *
 * @param handed.missing those of the layers that the mirror lacks
 * @returns those that it asked for
 * @throws Error where the queue refuses, so that the mirror job comes again
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
  // Before they are sent: who looks at the same time does not send them, too.
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
 * What becomes of the image's blobs when the layers are carried, too: those that others asked for
 * are there for this job.
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
