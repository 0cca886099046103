/** How many of something run at once, which may change meanwhile. */
export interface Concurrency {
  readonly value: number;
  /** Calls back after each change; returns how to stop that. */
  onChange(listener: () => void): () => void;
}

/** A limit that never changes. */
export function fixedConcurrency(value: number): Concurrency {
  return { value, onChange: () => () => {} };
}

/** As many at once as all of these allow. */
export function leastOf(limits: readonly Concurrency[]): Concurrency {
  return {
    get value() {
      return Math.min(...limits.map((limit) => limit.value));
    },
    onChange(listener) {
      const stops = limits.map((limit) => limit.onChange(listener));
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

/** So many for each one that a limit allows, but not above `most`. */
export function timesLimit(limit: Concurrency, times: number, most: number): Concurrency {
  return {
    get value() {
      return Math.min(most, limit.value * times);
    },
    onChange: (listener) => limit.onChange(listener),
  };
}
