import type { Transfer } from '../../copy/ports.ts';

/** What was mirrored from one upstream on one day. */
export interface DayCount extends Transfer {
  /** In UTC: `2026-11-30`. */
  day: string;
  registry: string;
  /** How many images, each as often as a tag moved to it. */
  images: number;
  /** How many jobs took how long from a webhook to the mapping, by {@link lagBucket}. */
  lags: ReadonlyMap<number, number>;
}

/**
 * Counters by day and upstream. They are information, and never a reason to fail or to wait: an
 * update may get lost.
 */
export interface DayCounts {
  /** Adds to the counters of a day and upstream, in one write. */
  add(count: DayCount): Promise<void>;
  /** The counters of these days, in the order of the days; both are included. */
  read(from: string, to: string): Promise<DayCount[]>;
}

const dayMs = 24 * 3600 * 1_000;

/** The day of a time, in UTC: `2026-11-30`. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

/** The latest days until now, the oldest first. */
export function latestDays(days: number, now: Date): string[] {
  return Array.from({ length: days }, (_, index) =>
    dayOf(new Date(now.getTime() - (days - 1 - index) * dayMs)),
  );
}
