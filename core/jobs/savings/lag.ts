import type { DayCount } from './counts.ts';

/** How long it took from an upstream's webhooks to the mappings, milliseconds, within a tenth. */
export interface Lag {
  medianMs: number;
  maxMs: number;
  /** How many jobs this comes from. */
  jobs: number;
}

/**
 * Counters can be added to without reading them, but they keep no median. So lags are counted in
 * buckets, of which each is a fifth longer than the one before: four double the time.
 */
const bucketsPerDoubling = 4;

/** The bucket that counts a lag. */
export function lagBucket(ms: number): number {
  return Math.round(bucketsPerDoubling * Math.log2(Math.max(1, ms)));
}

/** Sums up lags; undefined if there are none. */
export function lagOf(counts: readonly Pick<DayCount, 'lags'>[]): Lag | undefined {
  const jobsIn = new Map<number, number>();
  for (const { lags } of counts)
    for (const [bucket, jobs] of lags) jobsIn.set(bucket, (jobsIn.get(bucket) ?? 0) + jobs);
  const sorted = [...jobsIn].sort(([a], [b]) => a - b);
  const jobs = sorted.reduce((sum, [, count]) => sum + count, 0);
  let rest = jobs / 2;
  const median = sorted.find(([, count]) => {
    rest -= count;
    return rest <= 0;
  });
  const longest = sorted.at(-1);
  if (median === undefined || longest === undefined) return undefined;
  return { medianMs: msOf(median[0]), maxMs: msOf(longest[0]), jobs };
}

function msOf(bucket: number): number {
  return Math.round(2 ** (bucket / bucketsPerDoubling));
}
