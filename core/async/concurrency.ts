/** How many of something may run at once. The number may change over time. */
export interface Concurrency {
  readonly value: number;
  /** Calls back after each change. Returns a function that stops the calls. */
  onChange(listener: () => void): () => void;
}

/** A limit that never changes. */
export function fixedConcurrency(value: number): Concurrency {
  return { value, onChange: () => () => {} };
}

/** The lowest of these limits. */
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

/** This many for each one that a limit allows, but at most `most`. */
export function timesLimit(limit: Concurrency, times: number, most: number): Concurrency {
  return {
    get value() {
      return Math.min(most, limit.value * times);
    },
    onChange: (listener) => limit.onChange(listener),
  };
}
