/** The initial limit of a registry: moderate, since nothing is known about it yet. */
const firstLimit = 16;
/** More streams than this add no throughput and only wait for each other. */
const highestLimit = 64;
/**
 * Further refusals within this time belong to the same burst and don't halve the limit again, in
 * milliseconds.
 */
const calmMs = 1_000;
/**
 * An answer counts as quick up to this many times the quickest one, plus this many milliseconds.
 */
const quickFactor = 3;
const quickMarginMs = 100;
/**
 * Below the first limit, each answer raises the quickest time by this factor: the network may have
 * become slower for good.
 */
const forgetting = 1.01;

/**
 * How many streams a registry is asked to handle at once. The limit grows while answers come
 * quickly, halves when the registry says that there are too many, and recovers one by one. The same
 * rule as TCP's slow start and congestion avoidance (RFC 5681, 3.1), with answers in place of
 * acknowledgements.
 */
export class StreamLimit {
  #limit = firstLimit;
  /**
   * Until the first refusal, each quick answer makes room for one more stream; afterwards, it takes
   * a whole round of them.
   */
  #cautious = false;
  #quickestMs = Number.POSITIVE_INFINITY;
  #halvedAt = Number.NEGATIVE_INFINITY;
  readonly #listeners = new Set<() => void>();

  /** Streams at once. */
  get value(): number {
    return Math.floor(this.#limit);
  }

  /** Calls back after each change. Returns a function that stops the calls. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * A request was answered.
   *
   * @param ms from the request to the answer's headers
   */
  answered(ms: number): void {
    if (this.#limit < firstLimit) this.#quickestMs *= forgetting;
    this.#quickestMs = Math.min(this.#quickestMs, ms);
    if (ms > this.#quickestMs * quickFactor + quickMarginMs) return;
    this.#change(this.#limit + (this.#cautious ? 1 / this.#limit : 1));
  }

  /** A request was refused because there are too many: 429. */
  throttled(now: number = performance.now()): void {
    this.#cautious = true;
    if (now - this.#halvedAt < calmMs) return;
    this.#halvedAt = now;
    this.#change(this.#limit / 2);
  }

  #change(limit: number): void {
    const before = this.value;
    this.#limit = Math.min(highestLimit, Math.max(1, limit));
    if (this.value !== before) for (const listener of this.#listeners) listener();
  }
}
