import type { ReconcileStore } from './ports.ts';

/** How long the lock is held after its last renewal, and how often it is renewed, milliseconds. */
const ttlMs = 90_000;
const renewMs = 20_000;

/**
 * Works while nobody else does.
 *
 * @returns undefined if somebody does
 */
export async function withLock<T>(
  store: Pick<ReconcileStore, 'lock' | 'unlock'>,
  { owner, signal }: { owner: string; signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  if (!(await store.lock(owner, ttlMs, new Date()))) return undefined;
  const lost = new AbortController();
  const timer = setInterval(() => {
    store.lock(owner, ttlMs, new Date()).then(
      (isHeld) => {
        if (!isHeld)
          lost.abort(
            new Error('another invocation has taken over this work: its lock was not renewed in time'),
          );
      },
      // The next renewal comes in time.
      () => {},
    );
  }, renewMs);
  try {
    return await work(AbortSignal.any([signal, lost.signal]));
  } finally {
    clearInterval(timer);
    // Without this, the lock expires by itself.
    await store.unlock(owner).catch(() => {});
  }
}
