import type { Place, Round, Search } from '../../../reconcile/round.ts';
import type { ItemKey } from '../batch-get.ts';

/** What nobody compares any more is forgotten this long after it was due, in seconds. */
const keptSeconds = 90 * 24 * 3_600;
/** Notes of when rounds are due, and of rounds that fail. */
export const notePrefix = 'due#';
export const failingPrefix = 'failing#';

/** The partition of an upstream. */
export function partitionOf(registry: string): string {
  return `reconcile#${registry}`;
}

/** Where its search is recorded. */
export function searchKey(registry: string): ItemKey {
  return { pk: partitionOf(registry), sk: 'search' };
}

/** Where a repository's round is recorded. */
export function roundKey({ registry, repository }: Place): ItemKey {
  return { pk: partitionOf(registry), sk: `repository#${repository}` };
}

/** The sort key of the note that a round is due. */
export function noteOf({ repository }: Place, time: string): string {
  return `${notePrefix}${time}#${repository}`;
}

/** The time in such a note. */
export function timeOf(note: string): string {
  return note.split('#')[1] ?? '';
}

/** The repository in such a note. */
export function repositoryOf(note: string): string {
  return note.split('#').slice(2).join('#');
}

/** A round, from its item. */
export function roundOf(place: Place, item: Record<string, unknown>): Round {
  const { round, requestedAt } = item as { round?: Round; requestedAt?: string };
  // Somebody asked before there was any round.
  return { ...place, dueAt: requestedAt ?? '', ...round, ...requested(item) };
}

/** Somebody may have asked before there was any search: it is due anyway. */
export function searchOf(registry: string, item: Record<string, unknown>): Search {
  const none: Search = { registry, fingerprint: '', begunAt: '', nextAt: '' };
  return { ...none, ...(item.search as Search | undefined), ...requested(item) };
}

/** The note that says that a round fails, if it does. */
export function failingNotes({ repository, failures = 0 }: Round): string[] {
  return failures > 0 ? [`${failingPrefix}${repository}`] : [];
}

function requested({ requestedAt }: Record<string, unknown>): { requestedAt?: string } {
  return typeof requestedAt === 'string' ? { requestedAt } : {};
}

/** When an item that is due at a time may be deleted. */
export function expiry(time: string): { expiresAt?: number } {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? {} : { expiresAt: Math.floor(ms / 1000) + keptSeconds };
}
