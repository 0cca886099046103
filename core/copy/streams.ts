import { type Concurrency, fixedConcurrency, leastOf } from '../async/concurrency.ts';
import type { StreamLimit } from '../registry/stream-limit.ts';

/**
 * For ends without a limit learned from answers: such an end has this limit, alone or together with
 * others like it.
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

/** As many streams as all of these ends accept at once, as far as is known. */
export function streamsOf(...ends: End[]): Concurrency {
  return leastOf(limitsOf(...ends));
}
