import { backoffMs } from '../../registry/retry.ts';

/** Waits between the attempts of one blob: the longest first one, and the longest at all, milliseconds. */
const pauses = { baseMs: 250, maxMs: 5_000 };
/** Who asks for a longer pause than this is given it between jobs, not within one. */
const longestPauseMs = 10_000;

/**
 * How long to wait before the next attempt, milliseconds, or undefined where there shall be none. Errors of the registry
 * client and of the copy say of themselves whether another attempt may succeed; anything unknown counts as permanent,
 * because an unknown outcome is a failure.
 *
 * @param attempt the number of the attempt that would follow, from 2 on.
 */
export function pauseBefore(attempt: number, attempts: number, error: unknown): number | undefined {
  if (attempt > attempts || typeof error !== 'object' || error === null) return undefined;
  const { temporary, retryAfterMs } = error as { temporary?: unknown; retryAfterMs?: unknown };
  if (temporary !== true) return undefined;
  const asked = typeof retryAfterMs === 'number' ? retryAfterMs : 0;
  if (asked > longestPauseMs) return undefined;
  return Math.max(asked, backoffMs(attempt - 1, pauses, Math.random()));
}
