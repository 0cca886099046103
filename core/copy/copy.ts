import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { wait } from '../registry/retry.ts';
import { pauseBefore } from './attempts.ts';
import { inParallel } from './in-parallel.ts';
import type { CopyPlan } from './plan.ts';
import {
  type Amount,
  type CallOptions,
  emptyTransfer,
  type ImageDestination,
  type ImageSource,
  type Transfer,
} from './ports.ts';
import { verified } from './verify.ts';

/** What happens to a blob, told while it happens. */
export type CopyEvent =
  | { type: 'start'; blob: Descriptor }
  | { type: 'bytes'; blob: Descriptor; bytes: number }
  /** The blob is begun anew after a temporary failure: the bytes told so far do not count. */
  | { type: 'restart'; blob: Descriptor; bytes: number; error: unknown }
  | { type: 'end'; blob: Descriptor; how: 'copied' | 'mounted' };

export interface CopyOptions extends CallOptions {
  /** How many blobs travel at once. */
  concurrency?: number;
  /** How often one blob is begun before its failure is the image's. */
  attempts?: number;
  /** The repository of the same registry that may hold the blob, if there is one. */
  mountFrom?: (blob: Descriptor) => string | undefined;
  onEvent?: (event: CopyEvent) => void;
  /** How to wait between two attempts of a blob, milliseconds; rejects when the signal ends. */
  pause?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export interface CopyResult {
  transfer: Transfer;
  /** Bytes of the configs that passed through, by digest: they tell the platform of a single image. */
  configs: Map<Digest, Uint8Array>;
}

const defaultConcurrency = 8;
const defaultAttempts = 3;
/** Configs above this are not kept: a real one has some kilobytes. */
const maxKeptConfigBytes = 1024 * 1024;

/**
 * Moves the plan's missing blobs, the largest first so that the last stream to end is a short one.
 *
 * The first failure that can't be mended cancels the rest. Nothing is committed here: blobs without a manifest are
 * invisible in a registry.
 */
export async function copyBlobs(
  source: ImageSource,
  destination: ImageDestination,
  plan: CopyPlan,
  options: CopyOptions = {},
): Promise<CopyResult> {
  const transfer = emptyTransfer();
  for (const blob of plan.present) add(transfer.present, blob);
  const configs = new Map<Digest, Uint8Array>();
  const keep = new Set(
    [plan.root, ...plan.children].flatMap((manifest) =>
      manifest.kind === 'image' ? [manifest.config.digest] : [],
    ),
  );
  const largestFirst = [...plan.missing].sort((a, b) => b.size - a.size);
  await inParallel(
    largestFirst,
    options.concurrency ?? defaultConcurrency,
    async (blob, signal) => {
      const kept =
        keep.has(blob.digest) && blob.size <= maxKeptConfigBytes ? ([] as Uint8Array[]) : undefined;
      const how = await copyBlob(source, destination, blob, kept, { ...options, signal });
      add(transfer[how], blob);
      if (how === 'copied' && kept) configs.set(blob.digest, Buffer.concat(kept));
    },
    options.signal,
  );
  return { transfer, configs };
}

async function copyBlob(
  source: ImageSource,
  destination: ImageDestination,
  blob: Descriptor,
  kept: Uint8Array[] | undefined,
  options: CopyOptions,
): Promise<'copied' | 'mounted'> {
  const emit = options.onEvent ?? (() => {});
  emit({ type: 'start', blob });
  for (let attempt = 1; ; attempt++) {
    let told = 0;
    if (kept) kept.length = 0;
    const tell = (bytes: number) => {
      told += bytes;
      emit({ type: 'bytes', blob, bytes });
    };
    try {
      const how = await attemptBlob(source, destination, blob, kept, tell, options);
      emit({ type: 'end', blob, how });
      return how;
    } catch (error) {
      options.signal?.throwIfAborted();
      const pause = pauseBefore(attempt + 1, options.attempts ?? defaultAttempts, error);
      if (pause === undefined) throw error;
      emit({ type: 'restart', blob, bytes: told, error });
      await (options.pause ?? wait)(pause, options.signal);
    }
  }
}

/** One try: both ends are opened at the same time, so that neither waits for the other's round trip. */
async function attemptBlob(
  source: ImageSource,
  destination: ImageDestination,
  blob: Descriptor,
  kept: Uint8Array[] | undefined,
  tell: (bytes: number) => void,
  options: CopyOptions,
): Promise<'copied' | 'mounted'> {
  const mountFrom = options.mountFrom?.(blob);
  const attempt = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, attempt.signal]) : attempt.signal;
  const open = () => source.blob(blob, { signal });
  // A mount may make the read needless, so that it waits; otherwise both requests go out together.
  const reading = mountFrom === undefined ? open() : undefined;
  reading?.catch(() => {});
  try {
    const opened = await destination.openUpload(blob, { signal, mountFrom });
    if (opened.kind === 'mounted') {
      // Nobody counted its bytes on the way: the destination compares its size with the descriptor's.
      await destination.presentBlobs([blob], { signal });
      attempt.abort(); // a read that was opened all the same
      return 'mounted';
    }
    try {
      const body = verified(await (reading ?? open()), blob, tell);
      await opened.upload.write(kept ? keeping(body, kept) : body, { signal });
      return 'copied';
    } catch (error) {
      await opened.upload.cancel();
      throw error;
    }
  } catch (error) {
    attempt.abort(error); // ends a read that nobody will consume
    throw error;
  }
}

async function* keeping(body: AsyncIterable<Uint8Array>, kept: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    kept.push(chunk.slice());
    yield chunk;
  }
}

function add(amount: Amount, blob: Descriptor): void {
  amount.blobs += 1;
  amount.bytes += blob.size;
}
