import { constants } from 'node:os';

let interrupted = false;
const starting = new Set<Promise<unknown>>();
const running = new Set<AsyncDisposable>();

/**
 * Starts something that is also disposed of when the bench is interrupted. After an interruption
 * nothing is started any more: callers wait for the end of the process.
 */
export async function interruptible<T extends AsyncDisposable>(start: () => T | Promise<T>): Promise<T> {
  if (interrupted) return new Promise<never>(() => {});
  const begun = Promise.resolve(start());
  starting.add(begun);
  const resource = await begun.finally(() => starting.delete(begun));
  const dispose = resource[Symbol.asyncDispose].bind(resource);
  let disposed: PromiseLike<void> | undefined;
  resource[Symbol.asyncDispose] = () => {
    running.delete(resource);
    disposed ??= dispose();
    return disposed;
  };
  running.add(resource);
  return resource;
}

/**
 * Makes SIGINT, SIGTERM and SIGHUP end whatever is running, the latest first, before the process
 * itself.
 */
export function endOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, async () => {
      interrupted = true;
      await Promise.allSettled(starting);
      for (const resource of [...running].reverse()) {
        await Promise.resolve(resource[Symbol.asyncDispose]()).catch((error: unknown) => {
          process.stderr.write(`${error}\n`);
        });
      }
      process.exit(128 + constants.signals[signal]);
    });
  }
}
