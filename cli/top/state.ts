import type { Job } from '../api/client.ts';
import { type Reading, shownTexts } from './read.ts';

/** What is on the screen. */
export interface TopState {
  api: string;
  /** Absent: nothing was read yet. */
  reading?: Reading;
  /** When it was read, milliseconds. */
  readAt?: number;
  /** Bytes a second, by job; only of jobs that were seen twice. */
  rates: ReadonlyMap<string, number>;
  /** Why the latest reading failed, and when the next one is. */
  trouble?: { message: string; retryAt: number };
  /** How many readings in a row have failed. */
  failures: number;
}

/** The longest pause after failures, milliseconds. */
const longestPauseMs = 30_000;

/** Before anything is read. */
export function newState(api: string): TopState {
  return { api: shownTexts(api), rates: new Map(), failures: 0 };
}

/** After a reading. */
export function withReading(state: TopState, reading: Reading, now: number): TopState {
  const shown = shownTexts(reading);
  const before = new Map(state.reading?.copying.map((job) => [job.id, job]));
  const seconds = (now - (state.readAt ?? now)) / 1_000;
  const rates = new Map<string, number>();
  for (const job of shown.copying) {
    const bytes = moreBytes(before.get(job.id), job);
    if (bytes !== undefined && seconds > 0) rates.set(job.id, Math.round(bytes / seconds));
  }
  return { api: state.api, reading: shown, readAt: now, rates, failures: 0 };
}

/** After a reading that failed: what was read before stays. */
export function withTrouble(state: TopState, message: string, now: number, intervalMs: number): TopState {
  const pauseMs = Math.max(intervalMs, Math.min(longestPauseMs, intervalMs * 2 ** state.failures));
  return {
    ...state,
    rates: new Map(),
    trouble: { message: shownTexts(message), retryAt: now + pauseMs },
    failures: state.failures + 1,
  };
}

/** What a job copied in between, if that is known. A layer that starts over counts as nothing. */
function moreBytes(before: Job | undefined, { progress }: Job): number | undefined {
  if (before?.progress === undefined || progress === undefined) return undefined;
  return Math.max(0, progress.bytes - before.progress.bytes);
}
