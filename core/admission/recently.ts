/** For how long an image is not asked for again: a Deployment makes many Pods alike. */
const quietMs = 10 * 60_000;
/** The oldest are forgotten, and asked for again. */
const mostRemembered = 10_000;

/** Remembers which images were asked for lately. */
export class RecentlyAsked {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Those that were not asked for lately, which now they are. */
  take(images: readonly string[]): string[] {
    const now = this.#now();
    const due = images.filter((image) => (this.#until.get(image) ?? 0) <= now);
    for (const image of due) {
      this.#until.delete(image);
      this.#until.set(image, now + quietMs);
    }
    for (const image of this.#until.keys()) {
      if (this.#until.size <= mostRemembered) break;
      this.#until.delete(image);
    }
    return due;
  }

  /** Forgets images, because asking for them has failed. */
  forget(images: readonly string[]): void {
    for (const image of images) this.#until.delete(image);
  }
}
