import type { Descriptor } from '../../oci/descriptor.ts';
import type { CallOptions } from '../ports.ts';
import { type LayerIndex, maxHolders } from './layer-index.ts';

/** Where missing blobs may be mounted from. */
export interface MountSources {
  /**
   * The repository of the destination's registry that may hold the blob. Called right before its
   * upload would begin.
   */
  sourceOf(blob: Descriptor, options?: CallOptions): Promise<string | undefined>;
  /** The blob was not mounted from there. */
  refused(blob: Descriptor, repository: string): void;
}

/** Mounts by the layer index, which is also told what the repository holds. */
export interface IndexedMounts extends MountSources {
  /**
   * Records, once the image is committed, that the repository holds all these blobs, unless the
   * index already knows.
   */
  note(): Promise<void>;
}

/**
 * For a blob above this size, in bytes, the index is asked once more: another job may have
 * committed the blob since.
 */
const askAgainBytes = 8 * 1024 * 1024;

/** Blobs that may be mounted, and what says from where. */
export interface BlobsToMount {
  index: LayerIndex;
  /** The destination, which can't be its own source. */
  repository: string;
  /** All blobs of the image. */
  blobs: Descriptor[];
  /** Reports that the index fails. */
  warn: (message: string, error: unknown) => void;
}

/**
 * Mounts by the layer index: asks it for all blobs at once, and again for a large one right before
 * it would be copied. A wrong entry is dropped. The index is a hint: if it fails, `warn` is called,
 * and blobs are copied.
 */
export async function indexedMounts(
  { index, repository, blobs, warn }: BlobsToMount,
  options?: CallOptions,
): Promise<IndexedMounts> {
  const find = async (wanted: Descriptor[]) => {
    try {
      return await index.find(
        wanted.map(({ digest }) => digest),
        options,
      );
    } catch (error) {
      options?.signal?.throwIfAborted();
      warn('the layer index could not be asked; blobs are copied instead of mounted', error);
      return new Map<Descriptor['digest'], string[]>();
    }
  };
  const known = await find(blobs);
  const other = (holders: string[] | undefined) => holders?.find((holder) => holder !== repository);
  return {
    async sourceOf(blob) {
      const before = other(known.get(blob.digest));
      if (before !== undefined || blob.size <= askAgainBytes) return before;
      return other((await find([blob])).get(blob.digest));
    },
    async note() {
      const unknown = blobs.filter(({ digest }) => {
        const holders = known.get(digest) ?? [];
        return !holders.includes(repository) && holders.length < maxHolders;
      });
      if (unknown.length === 0) return;
      try {
        await index.add(
          repository,
          unknown.map(({ digest }) => digest),
        );
      } catch (error) {
        warn('the layer index does not know what was committed; other repositories copy it again', error);
      }
    },
    refused(blob, holder) {
      known.set(
        blob.digest,
        (known.get(blob.digest) ?? []).filter((each) => each !== holder),
      );
      index.drop(holder, blob.digest).catch((error) => warn('a wrong entry stays in the layer index', error));
    },
  };
}

/** Mounts all blobs from one repository: the image's own, where it is copied within a registry. */
export function mountsFrom(repository: string): MountSources {
  const refusals = new Set<string>();
  return {
    sourceOf: async ({ digest }) => (refusals.has(digest) ? undefined : repository),
    refused: ({ digest }) => {
      refusals.add(digest);
    },
  };
}
