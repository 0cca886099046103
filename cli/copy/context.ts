import type { Concurrency } from '../../core/async/concurrency.ts';
import type { BlobPool } from '../../core/copy/blob/blob-pool.ts';
import type { CopyEvent } from '../../core/copy/blob/copy-blob.ts';
import type { CopyPlan } from '../../core/copy/plan.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import type { Reference } from '../../core/oci/reference.ts';
import type { RegistryClient } from '../../core/registry/client.ts';
import { CopyDestination } from './copy-destination.ts';
import { CopyFailure, explainFailure } from './explain.ts';
import type { CopyFlags } from './flags.ts';

/** Both registries and what they are asked to do. */
export interface CopyContext {
  upstream: RegistryClient;
  mirror: RegistryClient;
  flags: Pick<CopyFlags, 'platform' | 'referrers'>;
  /** The streams that all images share. */
  pool: BlobPool;
  /** How many images are copied at once. */
  parallel: Concurrency;
  /**
   * Destination repositories (`registry/repository`) that lacked the last tag they were asked for.
   */
  missingAt: Set<string>;
  /**
   * Whether the image may mount layers from another repository of the destination; absent: from
   * all.
   */
  mayMountFrom?: (repository: string) => boolean;
  /** Creates the destination's repository, if that is wanted. */
  createRepository?: () => Promise<void>;
  /** Rejects if the image must not be copied. Called before anything is written. */
  check?: (plan: CopyPlan, source: RegistryRepository) => Promise<void>;
  signal: AbortSignal;
}

/** One image and where it goes. */
export interface ImagePair {
  src: Reference;
  dst: Reference;
}

/** Who is told of an image's copy while it goes on. */
export interface CopyWatcher {
  /** The image was read, and what the destination lacks will travel. */
  planned(pair: ImagePair, plan: CopyPlan): void;
  blob(event: CopyEvent): void;
  /** No more blobs travel: all are there, or one failed. */
  blobsEnded(): void;
}

/** Both ends of an image's way. */
export function openPair(
  { src, dst }: ImagePair,
  { upstream, mirror, createRepository }: CopyContext,
): { source: RegistryRepository; destination: CopyDestination } {
  return {
    source: new RegistryRepository(upstream, src.registry, src.repository),
    destination: new CopyDestination(mirror, dst, createRepository),
  };
}

/** The digest decides what is meant, if there is one. */
export function referenceOf({ tag, digest }: Reference): string {
  return digest ?? tag ?? 'latest';
}

/**
 * The repository of the destination's registry that the blobs are in already, if it is not the
 * destination itself.
 */
export function mountFrom({ src, dst }: ImagePair): string | undefined {
  return src.registry === dst.registry && src.repository !== dst.repository ? src.repository : undefined;
}

/**
 * Explains what work throws to somebody at the command line.
 *
 * @throws CopyFailure; when the signal ends, Error with what `interrupted` says
 */
export async function explained<T>(
  destination: CopyDestination,
  signal: AbortSignal,
  work: () => Promise<T>,
  interrupted = () => 'interrupted; nothing was written',
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) throw new Error(interrupted(), { cause: error });
    throw new CopyFailure(explainFailure(error, destination.failedBlob(error)), error);
  }
}
