import { DrayageError } from '../../errors.ts';
import { backoffMs } from '../../registry/retry.ts';

/**
 * Waits between the attempts of one blob: the longest first one, and the longest at all,
 * milliseconds.
 */
const pauses = { baseMs: 250, maxMs: 5_000 };
/** Who asks for a longer pause than this is given it between jobs, not within one. */
const longestPauseMs = 10_000;

/**
 * How long to wait before the next attempt, milliseconds, or undefined where there should be none.
 * A DrayageError says whether another attempt may succeed; anything else counts as permanent,
 * because an unknown outcome is a failure.
 *
 * @param attempt the number of the attempt that would follow, from 2 on.
 */
export function pauseBefore(attempt: number, attempts: number, error: unknown): number | undefined {
  if (attempt > attempts || !(error instanceof DrayageError) || error.retry.kind === 'never')
    return undefined;
  const asked = error.retry.afterMs ?? 0;
  if (asked > longestPauseMs) return undefined;
  return Math.max(asked, backoffMs(attempt - 1, pauses, Math.random()));
}
