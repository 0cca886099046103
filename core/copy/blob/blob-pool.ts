import { type Concurrency, fixedConcurrency } from '../../async/concurrency.ts';
import { Flights } from '../../async/flights.ts';
import { StreamPool } from '../../async/stream-pool.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { ImageDestination, ImageSource } from '../ports.ts';
import { limitsOf } from '../streams.ts';
import { type BlobOptions, type BlobOutcome, copyBlob } from './copy-blob.ts';
import { ImageLeads, LeadingImage, type Place } from './image-leads.ts';
import type { MountSources } from './mount-sources.ts';

/**
 * Blobs from this size on, bytes, take turns: so many streams fill any network that a process has,
 * and what a kill leaves unfinished has to be read again. More streams are for small blobs, which
 * mostly wait.
 */
const largeBytes = 16 * 1024 * 1024;
const mostLargeAtOnce = 16;
/** After so many images failed to carry a blob, the others that wait for it fail, too. */
const mostLeaders = 3;

/** How an image takes part in a pool. */
export interface PlaceInPool extends Place {
  /**
   * Whether the image may mount from another repository of the registry what a third image brought
   * there; by default it may.
   */
  mayMountFrom?(repository: string): boolean;
}

/**
 * The streams that images share which are copied side by side in this process. A blob that several
 * of them lack in one repository is carried once: the first one leads, the others wait and find it
 * there. Images of other repositories mount it.
 *
 * A pool knows what it carried as long as it lives, so it should live no longer than one batch of
 * images.
 */
export class BlobPool {
  readonly #streams = new StreamPool();
  readonly #requests = new StreamPool();
  readonly #manyManifests = new StreamPool();
  readonly #oneAtOnce = [fixedConcurrency(1)];
  readonly #large = fixedConcurrency(mostLargeAtOnce);
  readonly #flights = new Flights<BlobOutcome>({ waitsForEnd: true });
  readonly #leads = new ImageLeads();
  /** By repository and digest, what is there, and whether this pool brought it. */
  readonly #held = new Map<string, boolean>();
  readonly #failures = new Map<string, number>();

  /** Lets one more image take part. Whoever enters leaves, whatever happens. */
  enter(place: PlaceInPool): PooledImage {
    const mayMountFrom = place.mayMountFrom ?? (() => true);
    const image = new LeadingImage(place);
    const heldKey = ({ digest, size }: Descriptor) =>
      `${place.registry}/${place.repository} ${digest} ${size}`;
    const streams = this.#streams;
    const left = Promise.withResolvers<void>();
    let held: Promise<void> | undefined;
    const holdManyManifests = (signal: AbortSignal | undefined) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const turn = { size: 0, limits: this.#oneAtOnce, signal };
      this.#manyManifests
        .run(turn, async () => {
          resolve();
          await left.promise;
        })
        .catch(reject);
      return promise;
    };
    return {
      get running() {
        return streams.running;
      },
      get waiting() {
        return streams.waiting;
      },
      holds: (blob) => this.#held.has(heldKey(blob)),
      plan: (missing, present) => {
        for (const blob of present) this.#held.set(heldKey(blob), false);
        this.#leads.claim(image, missing);
      },
      request: (limits, work, signal) => this.#requests.run({ size: 0, limits, signal }, work),
      copy: async (ends, blob, options) => {
        const key = heldKey(blob);
        const isNew = this.#held.get(key);
        if (isNew !== undefined) return tellPresent(blob, isNew, options);
        const from = await this.#leads.follow(image, blob, mayMountFrom, options.signal);
        const mounts = from === undefined ? options.mounts : this.#mountsFrom(from, place, options.mounts);
        const copied = await this.#carry(key, ends, blob, { ...options, mounts });
        this.#held.set(key, copied.isNew);
        this.#leads.arrived(image, blob);
        return copied;
      },
      holdManyManifests: async (signal) => {
        held ??= holdManyManifests(signal);
        await held;
      },
      distrust: () => {
        const prefix = `${place.registry}/${place.repository} `;
        for (const key of this.#held.keys()) if (key.startsWith(prefix)) this.#held.delete(key);
      },
      leave: (committed) => {
        left.resolve();
        this.#leads.end(image, committed);
      },
    };
  }

  /**
   * Carries the blob, or waits for the image that does. If that one fails, the next one that waits
   * tries.
   */
  async #carry(
    key: string,
    { source, destination, concurrency }: CopyEnds,
    blob: Descriptor,
    options: BlobOptions,
  ): Promise<CopiedBlob> {
    const { signal } = options;
    // Others may go on with what this image began.
    const onEvent: BlobOptions['onEvent'] = (event) => {
      if (!signal?.aborted) options.onEvent?.(event);
    };
    const limits = concurrency ?? limitsOf(source, destination);
    const turn = { size: blob.size, limits: blob.size < largeBytes ? limits : [...limits, this.#large] };
    for (;;) {
      let leads = false;
      try {
        const how = await this.#flights.join(
          key,
          (shared) => {
            leads = true;
            return this.#streams.run({ ...turn, signal: shared }, () =>
              copyBlob(source, destination, blob, { ...options, signal: shared, onEvent }),
            );
          },
          signal,
        );
        const isNew = how !== 'present';
        return leads ? { how, isNew } : tellPresent(blob, isNew, options);
      } catch (error) {
        signal?.throwIfAborted();
        const failures = (this.#failures.get(key) ?? 0) + (leads ? 1 : 0);
        this.#failures.set(key, failures);
        if (leads || failures >= mostLeaders) throw error;
      }
    }
  }

  #mountsFrom(repository: string, place: Place, others: MountSources | undefined): MountSources {
    let holder: string | undefined = repository;
    return {
      sourceOf: async (blob, options) => holder ?? (await others?.sourceOf(blob, options)),
      refused: (blob, from) => {
        if (from !== holder) return others?.refused(blob, from);
        holder = undefined;
        this.#leads.refused(place, blob, repository);
      },
    };
  }
}

/** Both ends of a blob's way. */
export interface CopyEnds {
  source: ImageSource;
  destination: ImageDestination;
  /** What limits the streams; by default what both ends take. */
  concurrency?: Concurrency[];
}

/** What became of an image's blob. */
export interface CopiedBlob {
  /** What another image of the pool carried is `present` for this one. */
  how: BlobOutcome;
  /** Whether the destination did not have it before, whichever image brought it. */
  isNew: boolean;
}

/** An image's part in a {@link BlobPool}. */
export interface PooledImage {
  /** How many blobs of all images travel, and how many wait for a stream. */
  readonly running: number;
  readonly waiting: number;
  /** Whether the repository is known to hold a blob: nobody needs to ask. */
  holds(blob: Descriptor): boolean;
  /**
   * Says what the image needs, before the first blob is copied: it leads what nobody else has asked
   * for.
   */
  plan(missing: readonly Descriptor[], present: readonly Descriptor[]): void;
  /** Sends a small request when the limits have room for it, beside the streams of blobs. */
  request<T>(limits: readonly Concurrency[], work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Ensures that the destination has a blob. @throws what {@link copyBlob} throws */
  copy(ends: CopyEnds, blob: Descriptor, options: BlobOptions): Promise<CopiedBlob>;
  /**
   * Waits until no other image of the pool holds many manifests in memory, and then does until it
   * leaves.
   */
  holdManyManifests(signal?: AbortSignal): Promise<void>;
  /** Forgets what the repository holds: it refused a manifest because a blob is missing. */
  distrust(): void;
  /**
   * Ends the image's part.
   *
   * @param committed whether a manifest in its repository names its blobs now
   */
  leave(committed: boolean): void;
}

function tellPresent(blob: Descriptor, isNew: boolean, { onEvent }: BlobOptions): CopiedBlob {
  onEvent?.({ type: 'start', blob });
  onEvent?.({ type: 'end', blob, how: 'present' });
  return { how: 'present', isNew };
}

/** Sends a small request to an end when the pool has room for it; at once without a pool. */
export function requestInPool<T>(
  { pooled, end }: { pooled: PooledImage | undefined; end: Parameters<typeof limitsOf>[0] },
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return pooled ? pooled.request(limitsOf(end), work, signal) : work();
}
