import { constants } from 'node:os';

const running = new Set<AsyncDisposable>();

/** Has a resource disposed of when the bench is interrupted, too. */
export function interruptible<T extends AsyncDisposable>(resource: T): T {
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

/** Lets SIGINT, SIGTERM and SIGHUP end what is running, the latest first, before the process itself. */
export function endOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, async () => {
      for (const resource of [...running].reverse()) {
        await Promise.resolve(resource[Symbol.asyncDispose]()).catch((error: unknown) => {
          process.stderr.write(`${error}\n`);
        });
      }
      process.exit(128 + constants.signals[signal]);
    });
  }
}
