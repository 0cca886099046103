import { type Amount, emptyTransfer, type Transfer } from '../../copy/ports.ts';
import type { DayCount } from './counts.ts';

/** What was mirrored on a day, from all upstreams together. */
export interface DaySavings extends Transfer {
  /** In UTC: `2026-11-30`. */
  day: string;
  images: number;
}

/** What a day without images has. */
export function emptyDay(day: string): DaySavings {
  return { day, images: 0, ...emptyTransfer() };
}

/** The sum for each of these days, in their order; a day without counters has zeros. */
export function savingsOf(days: readonly string[], counts: readonly DayCount[]): DaySavings[] {
  const byDay = new Map(days.map((day) => [day, emptyDay(day)]));
  for (const count of counts) {
    const sum = byDay.get(count.day);
    if (sum) addTo(sum, count);
  }
  return [...byDay.values()];
}

/** Adds what was counted to a sum. */
export function addTo<T extends Transfer & { images: number }>(
  sum: T,
  { images, copied, mounted, present }: Transfer & { images: number },
): void {
  sum.images += images;
  addAmount(sum.copied, copied);
  addAmount(sum.mounted, mounted);
  addAmount(sum.present, present);
}

function addAmount(sum: Amount, { blobs, bytes }: Amount): void {
  sum.blobs += blobs;
  sum.bytes += bytes;
}
