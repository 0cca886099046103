import type { CopyPlan } from '../copy/plan.ts';
import { listPrices } from '../cost/prices.ts';
import type { Digest } from '../oci/digest.ts';

/**
 * What Amazon ECR's private repositories cost, USD per GB and month. Neither taxes nor agreements
 * are known here.
 */
export const usdPerGbMonth = listPrices.ecrGbMonth;

/** What storing so many bytes costs a month, USD; a GB has 10^9 bytes here. */
export function monthlyUsd(bytes: number): number {
  return (bytes / 1e9) * usdPerGbMonth;
}

/** What is stored for a repository, or for all of them. */
export interface Stored {
  /** Bytes of blobs and manifests, each once. */
  sizeBytes: number;
  /** How many of them the mirror has. */
  presentBytes: number;
}

/** Counts what images need in the mirror: each blob and manifest of a repository once. */
export class StorageCount {
  readonly #places = new Map<string, Map<Digest, { size: number; isPresent: boolean }>>();

  /**
   * Adds an image.
   *
   * @param isHeld whether the mirror's repository has the whole image, and not just some blobs
   */
  add(repository: string, { root, children, blobs, present }: CopyPlan, isHeld: boolean): void {
    const held = this.#places.get(repository) ?? new Map<Digest, { size: number; isPresent: boolean }>();
    this.#places.set(repository, held);
    const there = new Set(present.map(({ digest }) => digest));
    const note = (digest: Digest, size: number, isPresent: boolean) =>
      held.set(digest, { size, isPresent: isPresent || held.get(digest)?.isPresent === true });
    for (const { digest, size } of blobs) note(digest, size, isHeld || there.has(digest));
    for (const { digest, bytes } of [root, ...children]) note(digest, bytes.byteLength, isHeld);
  }

  /** What a repository needs. */
  of(repository: string): Stored {
    return sum(this.#places.get(repository)?.values() ?? []);
  }

  /** What all repositories need, if they share their blobs: one that any of them has is present. */
  shared(): Stored {
    const all = new Map<Digest, { size: number; isPresent: boolean }>();
    for (const place of this.#places.values())
      for (const [digest, blob] of place) if (!all.get(digest)?.isPresent) all.set(digest, blob);
    return sum(all.values());
  }

  /** The bytes of all repositories, if each has its own. */
  separateBytes(): number {
    return [...this.#places.keys()].reduce((bytes, each) => bytes + this.of(each).sizeBytes, 0);
  }
}

function sum(blobs: Iterable<{ size: number; isPresent: boolean }>): Stored {
  const stored = { sizeBytes: 0, presentBytes: 0 };
  for (const { size, isPresent } of blobs) {
    stored.sizeBytes += size;
    if (isPresent) stored.presentBytes += size;
  }
  return stored;
}
