import { describe, expect, it } from 'vitest';
import { fixedConcurrency } from '../../../core/async/concurrency.ts';
import { StreamPool } from '../../../core/async/stream-pool.ts';

/** Work that ends when it is told to. */
function work() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { run: () => promise, end: resolve, fail: reject };
}

/** A limit that a test changes. */
function changing(value: number) {
  const listeners = new Set<() => void>();
  return {
    value,
    listeners,
    onChange(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    set(next: number) {
      this.value = next;
      for (const listener of listeners) listener();
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('turns for work that shares limits', () => {
  it('goes to the largest first, over all that wait', async () => {
    const pool = new StreamPool();
    const limits = [fixedConcurrency(1)];
    const first = work();
    const begun: number[] = [];
    const running = [
      pool.run({ size: 1, limits }, first.run),
      ...[3, 9, 5, 9].map((size) => pool.run({ size, limits }, async () => void begun.push(size))),
    ];
    expect(pool.waiting).toBe(4);
    first.end();
    await Promise.all(running);
    expect(begun).toEqual([9, 9, 5, 3]);
    expect([pool.running, pool.waiting]).toEqual([0, 0]);
  });

  it('needs room in each of its limits; what has it does not wait for what has not', async () => {
    const pool = new StreamPool();
    const [narrow, wide] = [fixedConcurrency(1), fixedConcurrency(2)];
    const begun: string[] = [];
    const start = (name: string, size: number, limits: (typeof narrow)[]) => {
      const { run, end } = work();
      const done = pool.run({ size, limits }, () => {
        begun.push(name);
        return run();
      });
      return { end, done };
    };
    const a = start('a', 9, [narrow, wide]);
    const b = start('b', 8, [narrow, wide]);
    const c = start('c', 1, [wide]);
    const d = start('d', 2, [wide]);
    await settled();
    expect(begun).toEqual(['a', 'c']);
    a.end();
    await settled();
    expect(begun).toEqual(['a', 'c', 'b']);
    for (const each of [b, c, d]) each.end();
    await Promise.all([a, b, c, d].map(({ done }) => done));
    expect(begun).toEqual(['a', 'c', 'b', 'd']);
  });

  it('comes as soon as a limit grows, and limits are forgotten when nobody uses them', async () => {
    const pool = new StreamPool();
    const limit = changing(1);
    const [one, two] = [work(), work()];
    const running = [one, two].map(({ run }) => pool.run({ size: 1, limits: [limit] }, run));
    expect([pool.running, pool.waiting]).toEqual([1, 1]);
    await settled();
    limit.set(2);
    expect(pool.waiting).toBe(0);
    one.end();
    two.end();
    await Promise.all(running);
    expect(limit.listeners.size).toBe(0);
  });

  it('is left by an aborted signal, and what has begun is not', async () => {
    const pool = new StreamPool();
    const limits = [fixedConcurrency(1)];
    const abort = new AbortController();
    const { signal } = abort;
    const first = work();
    const running = pool.run({ size: 1, limits, signal }, first.run);
    const waiting = pool.run({ size: 1, limits, signal }, async () => expect.unreachable());
    await settled();
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(pool.waiting).toBe(0);
    await expect(pool.run({ size: 1, limits, signal }, async () => {})).rejects.toBe(reason);
    first.end();
    await running;
  });

  it('lets whoever hears of a failure cancel what waits before the next one begins', async () => {
    const pool = new StreamPool();
    const limits = [fixedConcurrency(1)];
    const abort = new AbortController();
    const first = work();
    const failed = pool.run({ size: 2, limits }, first.run).catch((error) => abort.abort(error));
    const next = pool.run({ size: 1, limits, signal: abort.signal }, async () => expect.unreachable());
    first.fail(new Error('broken'));
    await expect(next).rejects.toThrow('broken');
    await failed;
  });
});

describe('ten thousand turns', () => {
  it('are queued, begun and given up without walking the queue for each', async () => {
    const pool = new StreamPool();
    const limits = [fixedConcurrency(1), fixedConcurrency(16)];
    const abort = new AbortController();
    const first = work();
    const running = pool.run({ size: 1, limits }, first.run);
    const turns = Array.from({ length: 10_000 }, (_, size) =>
      pool.run({ size: size % 100, limits, signal: abort.signal }, async () => {}),
    );
    const ended = Promise.allSettled(turns);
    abort.abort(new Error('enough'));
    expect((await ended).every(({ status }) => status === 'rejected')).toBe(true);
    expect(pool.waiting).toBe(0);
    first.end();
    await running;
    await Promise.all(turns.map((_, size) => pool.run({ size, limits }, async () => {})));
    // Walking the whole queue for each turn would take longer than a test may.
    expect([pool.running, pool.waiting]).toEqual([0, 0]);
  });
});
