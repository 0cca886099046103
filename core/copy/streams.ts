import type { Concurrency } from '../async/concurrency.ts';
import type { StreamLimit } from '../registry/stream-limit.ts';

/** Where nothing is learnt from answers. */
const fixedStreams = 8;

interface End {
  readonly streams?: StreamLimit | undefined;
}

/** As many as all of these ends take at once, as far as they tell. */
export function streamsOf(...ends: End[]): Concurrency | number {
  const limits = ends.flatMap(({ streams }) => streams ?? []);
  if (limits.length === 0) return fixedStreams;
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
