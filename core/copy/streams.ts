import { type Concurrency, fixedConcurrency, leastOf } from '../async/concurrency.ts';
import type { StreamLimit } from '../registry/stream-limit.ts';

/**
 * Where nothing is learned from answers: an end without a limit of its own has this one, alone or
 * with others like it.
 */
const fixedStreams = fixedConcurrency(8);

interface End {
  readonly streams?: StreamLimit | undefined;
}

/** The limits of some ends, each once. */
export function limitsOf(...ends: End[]): Concurrency[] {
  const limits = new Set<Concurrency>(ends.flatMap(({ streams }) => streams ?? []));
  return limits.size > 0 ? [...limits] : [fixedStreams];
}

/** As many as all of these ends take at once, as far as they tell. */
export function streamsOf(...ends: End[]): Concurrency {
  return leastOf(limitsOf(...ends));
}
