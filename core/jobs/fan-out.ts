import type { IndexedMounts } from '../copy/mount-sources.ts';
import type { CopyPlan } from '../copy/plan.ts';
import type { CallOptions, ImageDestination, Transfer } from '../copy/ports.ts';
import type { LayerLeases, LayerQueue } from './ports.ts';
import type { FannedOut, JobRecord, LayerBlob } from './record.ts';

/** How the large layers of an image become jobs of their own. */
export interface FanOut {
  queue: LayerQueue;
  leases: LayerLeases;
  /** Blobs of at least this size, bytes, if several are missing. */
  minBytes: number;
}

/**
 * The size from which on layers are handed out unless the deployment says otherwise, bytes: above the second or two that a queue and
 * another function's start take, several streams out of several functions are faster than out of one.
 */
export const defaultFanOutBytes = 128 * 1024 * 1024;
/** More than this many layers of one image are not handed out: one question about them all is one request. */
const maxLayers = 100;
/** A layer is not worth a job of its own if it is the only one. */
const fewest = 2;

/** When the job looks after its layer jobs, which may have gone silent: a lease that nobody renews has run out by then. */
export const lookAgainMs = 90_000;

/** A fan-out whose layers are not all there after this time fails its image: a day moves 2 TB through one stream of 24 MB/s. */
export const maxFanOutMs = 24 * 3_600_000;

/** The layers of a plan that layer jobs shall carry: large, missing, and held by no repository that they could be mounted from. */
export async function layersToHandOut(
  plan: CopyPlan,
  mounts: IndexedMounts,
  fanOut: Pick<FanOut, 'minBytes'>,
  options: CallOptions,
): Promise<LayerBlob[]> {
  const large = plan.missing.filter(({ size }) => size >= fanOut.minBytes);
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
 * Asks for layer jobs for what nobody is carrying. One message too many does no harm.
 *
 * @param missing those of the layers that the mirror lacks
 * @throws Error where the queue refuses, so that the mirror job comes again
 */
export async function handOut(
  job: Pick<JobRecord, 'id'>,
  layers: LayerBlob[],
  missing: LayerBlob[],
  { queue, leases }: FanOut,
  now: Date,
): Promise<void> {
  const held = await leases.held(
    job.id,
    missing.map(({ digest }) => digest),
    now,
  );
  const wanted = missing.filter(({ digest }) => !held.has(digest));
  const refused = await queue.send(wanted.map((layer) => ({ job: job.id, layer, layers })));
  if (refused[0]) throw new Error(`${refused.length} layers could not be queued: ${refused[0].reason}`);
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

/** What becomes of the image's blobs, when the layers are carried, too. */
export function withLayers(transfer: Transfer, layers: LayerBlob[]): Transfer {
  const bytes = layers.reduce((sum, { size }) => sum + size, 0);
  const copied = {
    blobs: transfer.copied.blobs + layers.length,
    bytes: transfer.copied.bytes + bytes,
  };
  return { ...transfer, copied };
}
