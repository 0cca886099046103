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
  /** How many blobs travel at once at most; by default as many as both registries take. */
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
   * Bytes of the configs that passed through, by digest: they tell the platform of a single image.
   */
  configs: Map<Digest, Uint8Array>;
}

/** More connections than this are opened only when streams need them. */
const mostWarmConnections = 48;
/** Configs above this are not kept: a real one has some kilobytes. */
const maxKeptConfigBytes = 1024 * 1024;

/**
 * Moves the plan's missing blobs, the largest first so that the last stream to end is a short one.
 * All of them, whichever manifest names them, share one pool of streams, with those of the other
 * images in the pool.
 *
 * The first failure that can't be mended cancels the rest. Nothing is committed here: blobs without
 * a manifest are invisible in a registry.
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
    Math.max(1, largestFirst.length), // the pool has the limit
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
  // Nobody counted the bytes of what was mounted: the destination compares sizes with the
  // descriptors', where it does for what is present, too.
  if (mounted.length > 0 && !destination.tellsPresence)
    await destination.presentBlobs(mounted, { signal: options.signal });
  return { transfer, arrived, configs };
}

/**
 * Opens connections for the blobs that wait for a stream, while the first ones travel: the limit
 * grows with the answers. What has begun opens its own.
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

/** The place of an image that shares its pool with nobody. */
function alone({ name }: ImageDestination): { registry: string; repository: string } {
  return { registry: '', repository: name };
}

function add(amount: Amount, blob: Descriptor): void {
  amount.blobs += 1;
  amount.bytes += blob.size;
}
