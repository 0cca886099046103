import { createHash } from 'node:crypto';
import type { RepositoryRule, Upstream } from '../config/config.ts';

/** A repository of an upstream. */
export interface Place {
  registry: string;
  repository: string;
}

/** Why a round, or the search for repositories, did not succeed. */
export interface RoundError {
  code: string;
  message: string;
}

/** The latest round of a repository, and when the next one is due. Times are ISO 8601. */
export interface Round extends Place {
  dueAt: string;
  /** When somebody asked for a round last: one that was begun before does not count. */
  requestedAt?: string | undefined;
  /** When the latest round was begun; absent: there was none. */
  begunAt?: string | undefined;
  /** The rule that it followed. */
  fingerprint?: string | undefined;
  /** While it is under way: tags up to this one are compared. */
  after?: string | undefined;
  finishedAt?: string | undefined;
  /** What a finished round found. */
  found?: Found | undefined;
  /** How many attempts in a row have failed. */
  failures?: number | undefined;
  /** Attempts in a row at a long list that were begun, and whose functions ended too early. */
  attempts?: number | undefined;
  error?: RoundError | undefined;
}

/** What a round found in a repository. */
export interface Found {
  /** Tags that the upstream lists. */
  tags: number;
  /** Tags that the rule selects. */
  selected: number;
  /** Jobs that were queued. */
  queued: number;
  /** Mappings that were removed, since the upstream no longer has the tag. */
  unmapped: number;
}

/** The latest search for the repositories that an upstream's rules cover. */
export interface Search {
  registry: string;
  /** Of all its rules. */
  fingerprint: string;
  begunAt: string;
  nextAt: string;
  /** How many repositories it found. */
  repositories?: number | undefined;
  requestedAt?: string | undefined;
  failures?: number | undefined;
  error?: RoundError | undefined;
}

/** A repository whose latest round failed. */
export interface FailingRound {
  repository: string;
  error: RoundError;
  /** How many attempts in a row have failed. */
  failures: number;
  /** When it is tried again, ISO 8601. */
  dueAt: string;
}

/** How the rounds of an upstream are doing. Times are ISO 8601. */
export interface RoundsSummary {
  search: Search | undefined;
  /** How many are due, or under way. */
  due: number;
  /** When the next one is due; in the past if some are. Absent: never. */
  nextDueAt?: string | undefined;
  finishedAt?: string | undefined;
  /** Those that fail, the first of them. */
  failing: FailingRound[];
  /** Whether all that are due, and all that fail, are counted. */
  isComplete: boolean;
}

/** A round that is due at this time is due only when somebody asks. */
export const never = '9999-12-31T00:00:00.000Z';

/** Whether a round is due: its time has come, or somebody has asked for one since it was begun. */
export function isDue({ dueAt, requestedAt, begunAt }: Round, now: string): boolean {
  return dueAt <= now || (requestedAt !== undefined && requestedAt > (begunAt ?? ''));
}

/** The same for a search. An upstream whose rules have changed is searched, too. */
export function isSearchAwaited(search: Search | undefined, now: string): boolean {
  if (search === undefined) return true;
  const { begunAt, nextAt, requestedAt } = search;
  return nextAt <= now || (requestedAt !== undefined && requestedAt > begunAt);
}

/** Identifies a rule, whatever of it changes. */
export function ruleFingerprint(rule: RepositoryRule): string {
  return hash(rule);
}

/** Identifies what an upstream's rules cover. */
export function rulesFingerprint({ endpoint, repositories }: Upstream): string {
  return hash([endpoint, repositories]);
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

const firstPauseMs = 60_000;
const longestPauseMs = 3_600_000;

/** How long to wait after so many failures in a row, milliseconds. */
export function pauseAfter(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(10, Math.max(0, failures - 1)));
}

/** A time some milliseconds later. */
export function later(now: Date, ms: number): string {
  return new Date(now.getTime() + ms).toISOString();
}
