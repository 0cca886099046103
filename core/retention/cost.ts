import { usdPerGbMonth } from '../reconcile/storage.ts';

/** What some bytes in ECR cost a month, US dollars; a gigabyte has 2^30 bytes here. */
export function monthlyDollars(bytes: number): number {
  return Math.round((bytes / 2 ** 30) * usdPerGbMonth * 100) / 100;
}
