import pLimit from 'p-limit';
import type { Concurrency } from './concurrency.ts';

/**
 * Works on many items, some at a time; how many may change meanwhile. After the first failure
 * nothing more is begun, what is under way is cancelled, and the failure is thrown once all of it
 * has ended: nothing goes on behind the caller's back.
 *
 * @param work gets the signal that ends with the first failure or the caller's own signal.
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
  const limit = pLimit(typeof concurrency === 'number' ? concurrency : concurrency.value);
  const follow =
    typeof concurrency === 'number'
      ? undefined
      : concurrency.onChange(() => {
          limit.concurrency = concurrency.value;
        });
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
  follow?.();
  outer?.throwIfAborted();
  failed.signal.throwIfAborted();
  return results;
}
