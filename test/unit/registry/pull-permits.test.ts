import { describe, expect, it } from 'vitest';
import { type PullBudget, PullPermits, pullLimitOf } from '../../../core/registry/pull-permits.ts';

const headers = (remaining?: string) => (name: string) =>
  name === 'ratelimit-remaining' ? remaining : undefined;
const context = { side: 'upstream', registry: 'docker.io', operation: 'get manifest' } as const;

/** A budget whose answers are given, and what it was told. */
function budgetOf(...answers: Awaited<ReturnType<PullBudget['take']>>[]) {
  const told: unknown[] = [];
  const budget: PullBudget = {
    take: async () => answers.shift() ?? { kind: 'taken' },
    tell: async (_, limit) => void told.push(limit),
  };
  return { budget, told, answers };
}

describe('a limit on pulls', () => {
  it('is read from an answer that names its window', () => {
    expect(pullLimitOf(headers('76;w=21600'))).toEqual({ left: 76, windowMs: 21_600_000 });
    expect(pullLimitOf(headers('0;w=60'))).toEqual({ left: 0, windowMs: 60_000 });
    for (const other of [undefined, '76', '76;w=0', 'x;w=60', '76;w=60;x', '-1;w=60'])
      expect(pullLimitOf(headers(other)), other).toBeUndefined();
  });

  it('is looked up when it is unknown', async () => {
    const { budget, told } = budgetOf({ kind: 'unknown' });
    const permits = new PullPermits('docker.io', budget);
    await permits.take(context, async () => permits.told({ left: 76, windowMs: 60_000 }));
    expect(told).toEqual([{ left: 76, windowMs: 60_000 }]);
  });

  it('is known to all who look it up at once', async () => {
    const { budget, told } = budgetOf({ kind: 'unknown' }, { kind: 'unknown' });
    const permits = new PullPermits('docker.io', budget);
    const limit = { left: 76, windowMs: 60_000 };
    const first = Promise.withResolvers<void>();
    let second: Promise<void> | undefined;
    await permits.take(context, async () => {
      permits.told(limit);
      // It begins after the first one's answer has come, and before that one goes on.
      second = permits.take(context, async () => {
        await first.promise;
        permits.told(limit);
      });
      await new Promise(setImmediate);
    });
    first.resolve();
    await second;
    expect(told).toEqual([limit, limit]);
  });

  it('is an error that says how long to wait when it is spent', async () => {
    const now = new Date('2026-04-01T12:00:00.000Z');
    const until = new Date('2026-04-01T12:00:30.000Z');
    const permits = new PullPermits('docker.io', budgetOf({ kind: 'spent', until }).budget, () => now);
    const look = () => Promise.reject(new Error('nobody should look'));
    await expect(permits.take(context, look)).rejects.toMatchObject({
      code: 'TOOMANYREQUESTS',
      side: 'upstream',
      retry: { kind: 'rate-limit', afterMs: 30_000 },
    });
  });

  it('is not looked for again for some minutes where there is none', async () => {
    const { budget, answers } = budgetOf({ kind: 'unknown' }, { kind: 'unknown' });
    let now = Date.parse('2026-04-01T12:00:00.000Z');
    const permits = new PullPermits('docker.io', budget, () => new Date(now));
    let looks = 0;
    const look = async () => {
      looks += 1;
    };
    const take = () => permits.take(context, look);
    for (let time = 0; time < 3; time += 1) await take();
    expect([looks, answers.length]).toEqual([1, 1]);
    now += 5 * 60_000;
    await take();
    expect([looks, answers.length]).toEqual([2, 0]);
  });

  it('concerns other registries only once they have named one', async () => {
    const until = new Date(Date.now() + 60_000);
    const { budget } = budgetOf({ kind: 'spent', until });
    const permits = new PullPermits('r.example', budget);
    const look = () => Promise.reject(new Error('nobody should look'));
    await permits.take(context, look);
    permits.told({ left: 5, windowMs: 60_000 });
    await expect(permits.take(context, look)).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' });
  });
});
