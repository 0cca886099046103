import { type Concurrency, fixedConcurrency } from './concurrency.ts';
import { followedLimit } from './followed-limit.ts';

/**
 * Works on many items, a few at a time; the limit may change while it runs. After the first
 * failure, no new work starts, and work in progress is cancelled. The failure is thrown once all of
 * it has ended: nothing continues behind the caller's back.
 *
 * @param work receives a signal that aborts with the first failure or with the caller's own signal.
 * @returns the results in the order of the items.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  concurrency: number | Concurrency,
  work: (item: T, signal: AbortSignal) => Promise<R>,
  outer?: AbortSignal,
): Promise<R[]> {
  outer?.throwIfAborted();
  const failed = new AbortController();
  const signal = outer ? AbortSignal.any([outer, failed.signal]) : failed.signal;
  const { limit, stop } = followedLimit(
    typeof concurrency === 'number' ? fixedConcurrency(concurrency) : concurrency,
  );
  const results: R[] = [];
  await Promise.allSettled(
    items.map((item, index) =>
      limit(async () => {
        signal.throwIfAborted();
        try {
          results[index] = await work(item, signal);
        } catch (error) {
          failed.abort(error);
        }
      }),
    ),
  );
  stop();
  outer?.throwIfAborted();
  failed.signal.throwIfAborted();
  return results;
}
