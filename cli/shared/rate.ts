/** How far back a rate looks: long enough to be readable, short enough to show a stall. */
const windowMs = 3_000;
/** Samples within this time are merged. */
const sampleMs = 200;

/** The recent rate of something. */
export class Rate {
  readonly #begun: number;
  #samples: { at: number; bytes: number }[] = [];

  /** @param now milliseconds, on any clock that only goes forward */
  constructor(now: number) {
    this.#begun = now;
  }

  add(bytes: number, now: number): void {
    const last = this.#samples.at(-1);
    if (last && now - last.at < sampleMs) last.bytes += bytes;
    else this.#samples.push({ at: now, bytes });
  }

  /** Bytes a second, or undefined while there is too little data. */
  perSecond(now: number): number | undefined {
    this.#samples = this.#samples.filter(({ at }) => now - at <= windowMs);
    const over = Math.min(windowMs, now - this.#begun);
    if (over < 500) return undefined;
    const bytes = this.#samples.reduce((sum, sample) => sum + sample.bytes, 0);
    return Math.max(0, Math.round((bytes / over) * 1_000));
  }
}
