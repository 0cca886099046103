import pLimit from 'p-limit';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { copyBlobs } from '../copy.ts';
import type { CopyPlan } from '../plan.ts';
import { emptyTransfer, type ImageDestination, type ImageSource, type Transfer } from '../ports.ts';

/**
 * How many blobs are copied at once for all plans together: they are small, and the image's own
 * blobs may be in progress.
 */
const concurrency = 6;

/**
 * Copies the blobs of several plans that run at the same time, each blob once: artifacts share
 * their config, often the two bytes of an empty one.
 */
export class BlobsOnce {
  readonly #source: ImageSource;
  readonly #destination: ImageDestination;
  readonly #signal: AbortSignal | undefined;
  readonly #limit = pLimit(concurrency);
  readonly #copying = new Map<Digest, Promise<Descriptor[]>>();
  readonly #present = new Map<Digest, Descriptor>();
  readonly #transfer = emptyTransfer();

  constructor(source: ImageSource, destination: ImageDestination, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#destination = destination;
    this.#signal = signal;
  }

  /**
   * Returns once the destination has all blobs of the plan.
   *
   * @returns the blobs that it did not have before.
   * @throws what copying one of them throws, after all have ended.
   */
  async copy(plan: CopyPlan): Promise<Descriptor[]> {
    for (const blob of plan.present) this.#present.set(blob.digest, blob);
    const ended = await Promise.allSettled(plan.missing.map((blob) => this.#copyOnce(plan, blob)));
    const failed = ended.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return ended.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  }

  /** Each blob is counted once, by what happened to it first. */
  transfer(): Transfer {
    const { copied, mounted, present } = structuredClone(this.#transfer);
    for (const [digest, { size }] of this.#present) {
      if (this.#copying.has(digest)) continue;
      present.blobs += 1;
      present.bytes += size;
    }
    return { copied, mounted, present };
  }

  #copyOnce(plan: CopyPlan, blob: Descriptor): Promise<Descriptor[]> {
    const known = this.#copying.get(blob.digest);
    if (known) return known;
    const copying = this.#limit(async () => {
      const alone = { ...plan, present: [], missing: [blob] };
      const { transfer, arrived } = await copyBlobs(this.#source, this.#destination, alone, {
        signal: this.#signal,
      });
      for (const how of ['copied', 'mounted', 'present'] as const) {
        this.#transfer[how].blobs += transfer[how].blobs;
        this.#transfer[how].bytes += transfer[how].bytes;
      }
      return arrived;
    });
    this.#copying.set(blob.digest, copying);
    // A retry of the plan also starts this blob again.
    copying.catch(() => this.#copying.delete(blob.digest));
    return copying;
  }
}
