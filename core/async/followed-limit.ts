import pLimit, { type LimitFunction } from 'p-limit';
import type { Concurrency } from './concurrency.ts';

/** A limit for calls that follows a {@link Concurrency}, until it is stopped. */
export function followedLimit(concurrency: Concurrency): { limit: LimitFunction; stop(): void } {
  const limit = pLimit(concurrency.value);
  const stop = concurrency.onChange(() => {
    limit.concurrency = concurrency.value;
  });
  return { limit, stop };
}
