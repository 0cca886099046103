import { setTimeout as sleep } from 'node:timers/promises';
import { orAborted } from '../../async/or-aborted.ts';
import type { Descriptor } from '../../oci/descriptor.ts';

/** Where an image goes. */
export interface Place {
  /** The destination's registry, as references name it. */
  registry: string;
  /** The destination's repository in that registry. */
  repository: string;
}

/** An image among those that are copied side by side. */
export class LeadingImage {
  readonly place: Place;
  /** Which images it waits for. */
  readonly waitsFor = new Set<LeadingImage>();
  readonly #ended = Promise.withResolvers<boolean>();
  #isCommitted = false;

  constructor(place: Place) {
    this.place = place;
  }

  /** Whether a manifest names what it carried. */
  get isCommitted(): boolean {
    return this.#isCommitted;
  }

  /** Resolves when it ends: true if a manifest names what it carried, false if it failed. */
  get ended(): Promise<boolean> {
    return this.#ended.promise;
  }

  end(committed: boolean): void {
    this.#isCommitted = committed;
    this.#ended.resolve(committed);
  }

  /** Whether it waits for another image, or for one that does. */
  dependsOn(image: LeadingImage): boolean {
    // A set also visits what is added while it is walked through.
    const reached = new Set(this.waitsFor);
    for (const each of reached) for (const next of each.waitsFor) reached.add(next);
    return reached.has(image);
  }
}

/** An image that needs a blob. */
interface Candidate {
  image: LeadingImage;
  /** Resolves when its repository has the blob. */
  arrived: PromiseWithResolvers<void>;
}

/**
 * A follower waits this long for the leader's manifest once the blob is there, milliseconds, and as
 * long as carrying the blob itself takes at this speed, bytes a millisecond: the leader's other
 * layers may take an hour.
 */
const patienceMs = 2_000;
/** For the blob itself it waits this long, in milliseconds, and as much more for its size. */
const arrivalMs = 30_000;
const patientBytesPerMs = 2_000;

/**
 * Which images need a blob, for each registry that images go to: the first one leads. Images of
 * other repositories follow: they mount the blob when the leader's manifest is committed. Amazon
 * ECR refuses a mount before that (CR#2860).
 */
export class ImageLeads {
  readonly #candidates = new Map<string, Candidate[]>();

  /** Says that an image needs these blobs. It leads those that no other one needs. */
  claim(image: LeadingImage, blobs: readonly Descriptor[]): void {
    for (const blob of blobs) {
      const candidates = this.#of(image.place, blob);
      if (candidates.some((each) => each.image === image)) continue;
      candidates.push({ image, arrived: Promise.withResolvers() });
    }
  }

  /** The blob is in the image's repository. */
  arrived(image: LeadingImage, blob: Descriptor): void {
    this.#of(image.place, blob)
      .find((each) => each.image === image)
      ?.arrived.resolve();
  }

  /** Ends the image. What it leads without a manifest, the next one leads. */
  end(image: LeadingImage, committed: boolean): void {
    if (!committed) {
      for (const [key, candidates] of this.#candidates)
        this.#candidates.set(
          key,
          candidates.filter((each) => each.image !== image),
        );
    }
    image.end(committed);
  }

  /**
   * Waits until a blob can be mounted from the repository of the image that leads it.
   *
   * @param mayMountFrom whether the follower may use that repository
   * @returns the repository; undefined if the follower has to get the blob by itself: it leads it,
   *   or there is no point in waiting
   * @throws the signal's reason
   */
  async follow(
    image: LeadingImage,
    blob: Descriptor,
    mayMountFrom: (repository: string) => boolean,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    this.claim(image, [blob]);
    for (;;) {
      const others = this.#of(image.place, blob).filter(
        (each) => each.image === image || mayMountFrom(each.image.place.repository),
      );
      const leader = others.find((each) => each.image.isCommitted) ?? others[0];
      if (!leader || leader.image.place.repository === image.place.repository) return undefined;
      if (leader.image.isCommitted) return leader.image.place.repository;
      // Two images that wait for each other would wait for ever.
      if (leader.image.dependsOn(image)) return undefined;
      image.waitsFor.add(leader.image);
      const ended = await orAborted(endOf(leader, blob), signal).finally(() =>
        image.waitsFor.delete(leader.image),
      );
      if (ended === 'too-late') return undefined;
    }
  }

  /** The registry did not mount the blob from there. */
  refused(place: Place, blob: Descriptor, repository: string): void {
    const key = keyOf(place, blob);
    const others = this.#of(place, blob).filter((each) => each.image.place.repository !== repository);
    this.#candidates.set(key, others);
  }

  #of(place: Place, blob: Descriptor): Candidate[] {
    const key = keyOf(place, blob);
    const candidates = this.#candidates.get(key) ?? [];
    this.#candidates.set(key, candidates);
    return candidates;
  }
}

/** Manifests may lie about a size: what they name is then another blob. */
function keyOf({ registry }: Place, { digest, size }: Descriptor): string {
  return `${registry} ${digest} ${size}`;
}

/**
 * Resolves when the leader ends, or takes too long: for the blob itself, or for what else it
 * carries.
 */
async function endOf({ image, arrived }: Candidate, { size }: Descriptor): Promise<boolean | 'too-late'> {
  const stop = new AbortController();
  const { signal } = stop;
  const waitFor = async (ms: number) => {
    await sleep(ms + size / patientBytesPerMs, undefined, { signal });
    return 'too-late' as const;
  };
  const late = [waitFor(arrivalMs), arrived.promise.then(() => waitFor(patienceMs))];
  for (const each of late) each.catch(() => {}); // it ended first
  try {
    return await Promise.race([image.ended, ...late]);
  } finally {
    stop.abort();
  }
}
