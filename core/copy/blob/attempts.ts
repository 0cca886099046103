import { DrayageError } from '../../errors.ts';
import { backoffMs } from '../../registry/retry.ts';

/**
 * Waits between the attempts of one blob: the maximum for the first one, and the maximum overall,
 * in milliseconds.
 */
const pauses = { baseMs: 250, maxMs: 5_000 };
/** A longer pause than this is taken between jobs, not within one. */
const longestPauseMs = 10_000;

/**
 * How long to wait before the next attempt, in milliseconds, or undefined if there should be none.
 * A DrayageError tells whether another attempt may succeed. Anything else counts as permanent,
 * because an unknown outcome is a failure.
 *
 * @param attempt the number of the next attempt, starting at 2.
 */
export function pauseBefore(attempt: number, attempts: number, error: unknown): number | undefined {
  if (attempt > attempts || !(error instanceof DrayageError) || error.retry.kind === 'never')
    return undefined;
  const asked = error.retry.afterMs ?? 0;
  if (asked > longestPauseMs) return undefined;
  return Math.max(asked, backoffMs(attempt - 1, pauses, Math.random()));
}
