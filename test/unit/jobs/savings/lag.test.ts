import { describe, expect, it } from 'vitest';
import { lagBucket, lagOf } from '../../../../core/jobs/savings/lag.ts';

const lags = (...ms: number[]) => {
  const counted = new Map<number, number>();
  for (const each of ms) counted.set(lagBucket(each), (counted.get(lagBucket(each)) ?? 0) + 1);
  return { lags: counted };
};

describe('lags in buckets', () => {
  it('keep a lag within a tenth, from a millisecond to a month', () => {
    for (let ms = 1; ms < 31 * 24 * 3_600_000; ms = Math.ceil(ms * 1.07)) {
      const kept = lagOf([lags(ms)])?.medianMs ?? 0;
      expect(Math.abs(kept - ms), `${ms} ms`).toBeLessThanOrEqual(Math.max(1, ms / 10));
    }
  });

  it('have the median and the longest of several days', () => {
    const lag = lagOf([lags(1_000, 2_000), lags(90_000, 2_000, 500)]);
    expect(lag?.jobs).toBe(5);
    expect(lag?.medianMs).toBeGreaterThan(1_800);
    expect(lag?.medianMs).toBeLessThan(2_200);
    expect(lag?.maxMs).toBeGreaterThan(81_000);
    expect(lag?.maxMs).toBeLessThan(99_000);
  });

  it('are none without jobs; a clock that went back counts as no time', () => {
    expect(lagOf([])).toBeUndefined();
    expect(lagOf([{ lags: new Map() }])).toBeUndefined();
    expect(lagOf([lags(-5, 0)])).toEqual({ medianMs: 1, maxMs: 1, jobs: 2 });
  });
});
