import { setImmediate } from 'node:timers/promises';
import { fixedConcurrency } from '../async/concurrency.ts';
import { inParallel } from '../async/in-parallel.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { BlobPool, type PooledImage } from './blob/blob-pool.ts';
import type { BlobOptions } from './blob/copy-blob.ts';
import type { CopyPlan } from './plan.ts';
import {
  type Amount,
  emptyTransfer,
  type ImageDestination,
  type ImageSource,
  type Transfer,
} from './ports.ts';

export type { BlobOutcome, CopyEvent } from './blob/copy-blob.ts';

export interface CopyOptions extends Omit<BlobOptions, 'keep'> {
  /** The most blobs copied at once; by default, as many as both registries accept. */
  concurrency?: number;
  /** The image's part in the pool that it shares with others; absent: it is copied alone. */
  pooled?: PooledImage | undefined;
}

export interface CopyResult {
  transfer: Transfer;
  /**
   * The blobs that are new in the destination: copied or mounted, by this image or another one of
   * its pool.
   */
  arrived: Descriptor[];
  /**
   * Bytes of the configs that passed through, by digest: they name the platform of a single image.
   */
  configs: Map<Digest, Uint8Array>;
}

/**
 * Blobs of one image that wait for a stream or travel: many more than there are streams. A manifest
 * may name ten thousand, and each that waits takes memory.
 */
const mostBlobsAtOnce = 256;
/** Connections beyond this number are opened only when streams need them. */
const mostWarmConnections = 48;
/** Larger configs are not kept: a real one has a few kilobytes. */
const maxKeptConfigBytes = 1024 * 1024;

/**
 * Copies the plan's missing blobs, the largest first so that the last stream to end is a short one.
 * All of them, whichever manifest names them, share one pool of streams with the other images in
 * the pool.
 *
 * The first permanent failure cancels the rest. Nothing is committed here: blobs without a manifest
 * are invisible in a registry.
 */
export async function copyBlobs(
  source: ImageSource,
  destination: ImageDestination,
  plan: Pick<CopyPlan, 'root' | 'children' | 'present' | 'missing'>,
  options: CopyOptions = {},
): Promise<CopyResult> {
  const transfer = emptyTransfer();
  for (const blob of plan.present) add(transfer.present, blob);
  const configs = new Map<Digest, Uint8Array>();
  const arrived: Descriptor[] = [];
  const mounted: Descriptor[] = [];
  const kept = new Set(
    [plan.root, ...plan.children].flatMap((manifest) =>
      manifest.kind === 'image' ? [manifest.config.digest] : [],
    ),
  );
  const { pooled = new BlobPool().enter(alone(destination)), signal: outer, ...blobOptions } = options;
  pooled.plan(plan.missing, plan.present);
  const { concurrency } = options;
  const limits = concurrency === undefined ? {} : { concurrency: [fixedConcurrency(concurrency)] };
  const ends = { source, destination, ...limits };
  const largestFirst = [...plan.missing].sort((a, b) => b.size - a.size);
  const copying = inParallel(
    largestFirst,
    mostBlobsAtOnce, // the pool has the limit; one image must not fill it
    async (blob, signal) => {
      const isKept = kept.has(blob.digest) && blob.size <= maxKeptConfigBytes;
      const keep = isKept ? ([] as Uint8Array[]) : undefined;
      const { how, isNew } = await pooled.copy(ends, blob, { ...blobOptions, signal, keep });
      add(transfer[how], blob);
      if (isNew) arrived.push(blob);
      if (how === 'mounted') mounted.push(blob);
      if (how === 'copied' && keep) configs.set(blob.digest, Buffer.concat(keep));
    },
    outer,
  );
  void warmForMore(source, destination, pooled, outer);
  await copying;
  // The bytes of mounted blobs were not counted: the destination compares their sizes with the
  // descriptors, if it does so for present blobs, too.
  if (mounted.length > 0 && !destination.tellsPresence)
    await destination.presentBlobs(mounted, { signal: options.signal });
  return { transfer, arrived, configs };
}

/**
 * Opens connections for the blobs that wait for a stream, while the first ones are being copied:
 * the limit grows with the answers. Blobs that have begun open their own.
 */
async function warmForMore(
  source: ImageSource,
  destination: ImageDestination,
  pooled: PooledImage,
  signal: AbortSignal | undefined,
): Promise<void> {
  await setImmediate();
  if (pooled.waiting === 0) return;
  const connections = Math.min(pooled.running + pooled.waiting, mostWarmConnections);
  await Promise.all([source, destination].map((end) => end.warm?.(connections, { signal })));
}

/** The place of an image that does not share its pool. */
function alone({ name }: ImageDestination): { registry: string; repository: string } {
  return { registry: '', repository: name };
}

function add(amount: Amount, blob: Descriptor): void {
  amount.blobs += 1;
  amount.bytes += blob.size;
}
