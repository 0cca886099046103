/**
 * How much time a stalled stream may make up for, in milliseconds, so that late timers don't add up
 * to a slower wire.
 */
const catchUpMs = 5;

/**
 * A speed limit: bytes are booked as they arrive, and are forwarded when the last of them would
 * have passed.
 */
export class Pace {
  readonly #bytesPerMs: number;
  #passed: number;

  /** @param now milliseconds of the clock that {@link book} uses */
  constructor(bytesPerSecond: number, now: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#passed = now;
  }

  /** When the last of the next bytes will have passed, in milliseconds of the same clock. */
  book(bytes: number, now: number): number {
    this.#passed = Math.max(this.#passed, now - catchUpMs) + bytes / this.#bytesPerMs;
    return this.#passed;
  }
}
