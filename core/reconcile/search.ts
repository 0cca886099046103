import { inParallel } from '../async/in-parallel.ts';
import type { RepositoryRule, Upstream } from '../config/config.ts';
import { DrayageError } from '../errors.ts';
import { UpstreamClosedError } from '../jobs/upstream-gate.ts';
import { type Coverage, coveredRepositories, isLiteral, isNotOffered } from './coverage.ts';
import { mendLeftBehind } from './mend-losses.ts';
import type { ReconcileDependencies } from './ports.ts';
import {
  isSearchAwaited,
  later,
  pauseAfter,
  type Round,
  type RoundError,
  ruleFingerprint,
  rulesFingerprint,
  type Search,
} from './round.ts';
import { askedUpstream, closedBy } from './upstream/answers.ts';
import { knownRepositories } from './upstream/known-repositories.ts';

/** How often repositories are searched for if no rule with a pattern says so. */
const usualSeconds = 24 * 3600;
/** Rounds that are noted at once: a registry may have hundreds of thousands of repositories. */
const roundsAtOnce = 16;
const chunkSize = 1_000;

/** Whether the repositories of an upstream must be searched for. */
export function isSearchDue(upstream: Upstream, search: Search | undefined, now: string): boolean {
  return search?.fingerprint !== rulesFingerprint(upstream) || isSearchAwaited(search, now);
}

/**
 * Searches for the repositories that an upstream's rules cover, and notes a round for each one that
 * is new, whose rule has changed, or that somebody has asked for.
 */
export async function searchRepositories(
  upstream: Upstream,
  before: Search | undefined,
  deps: ReconcileDependencies,
  signal: AbortSignal,
): Promise<void> {
  const now = deps.now();
  const { registry } = upstream;
  const { repositories, unlisted } = await coveredRepositories(upstream, {
    known: () => knownRepositories(upstream, deps, signal),
    listed: () => askedUpstream(upstream, deps.upstreams.listRepositories(upstream, signal), deps),
  });
  signal.throwIfAborted();
  if (unlisted !== undefined) await closedBy(unlisted, upstream, deps);
  for (let at = 0; at < repositories.length; at += chunkSize)
    await inParallel(
      repositories.slice(at, at + chunkSize),
      roundsAtOnce,
      ({ repository, rule }) =>
        noteRound({ registry, repository }, rule, { now, requestedAt: before?.requestedAt, deps }),
      signal,
    );
  // If it was not asked, the search stays due until it opens.
  if (!(unlisted instanceof UpstreamClosedError))
    await noteSearch(upstream, { repositories, unlisted }, { before, now, deps });
  // Last, since it may take long: the search must not begin again because of it.
  await mendLeftBehind(upstream, deps, signal);
}

/** Notes what a search has found, and when the next one is due. */
async function noteSearch(
  upstream: Upstream,
  { repositories, unlisted }: Coverage,
  { before, now, deps }: { before: Search | undefined; now: Date; deps: ReconcileDependencies },
): Promise<void> {
  const { registry } = upstream;
  // A registry that offers no list stays as it is: what is known is all there is to know.
  const failed = unlisted !== undefined && !isNotOffered(unlisted);
  const failures = failed ? (before?.failures ?? 0) + 1 : 0;
  await deps.store.saveSearch({
    registry,
    fingerprint: rulesFingerprint(upstream),
    begunAt: now.toISOString(),
    repositories: repositories.length,
    nextAt: later(now, failed ? pauseAfter(failures) : secondsBetween(upstream) * 1000),
    ...(failures > 0 && { failures }),
    ...(unlisted !== undefined && { error: roundError(unlisted) }),
  });
  if (failed) deps.warn(`the repositories of ${registry} could not be listed`, unlisted);
}

/** The shortest time that a rule with a pattern asks for. */
function secondsBetween({ repositories }: Upstream): number {
  const patterns = repositories.filter((rule) => !isLiteral(rule));
  return Math.min(usualSeconds, ...patterns.flatMap(({ reconcileSeconds }) => reconcileSeconds ?? []));
}

async function noteRound(
  place: { registry: string; repository: string },
  rule: RepositoryRule,
  { now, requestedAt, deps }: { now: Date; requestedAt: string | undefined; deps: ReconcileDependencies },
): Promise<void> {
  const { store } = deps;
  const round = await store.read(place);
  const isAsked = requestedAt !== undefined && requestedAt > (round?.begunAt ?? '');
  if (isAsked) {
    if (round?.requestedAt !== requestedAt) await store.request(place, requestedAt);
    return;
  }
  if (rule.reconcileSeconds === undefined) return;
  const dueAt = nextDue(rule, round, now);
  if (dueAt !== undefined) await store.save({ ...(round ?? place), dueAt });
}

/** When a round must be due, if that is not what is noted. */
function nextDue(rule: RepositoryRule, round: Round | undefined, now: Date): string | undefined {
  if (round === undefined) return now.toISOString();
  if (round.dueAt <= now.toISOString()) return round.dueAt;
  return round.fingerprint === ruleFingerprint(rule) ? undefined : now.toISOString();
}

/** What a failure says, within bounds. */
export function roundError(error: unknown): RoundError {
  const code = error instanceof DrayageError ? error.code : 'INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  return { code: code.slice(0, 100), message: message.slice(0, 1_000) };
}
