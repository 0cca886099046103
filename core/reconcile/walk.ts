import { inParallel } from '../async/in-parallel.ts';
import type { RepositoryRule, Upstream } from '../config/config.ts';
import { DrayageError } from '../errors.ts';
import { ruleSelector } from '../policy/select-image.ts';
import type { DueRound, Limits, ReconcileDependencies } from './ports.ts';
import { type Progress, reconcileRepository } from './reconcile-repository.ts';
import { QueueRoom } from './room.ts';
import { later, never, pauseAfter, type Round, ruleFingerprint } from './round.ts';
import { isSearchDue, roundError, searchRepositories } from './search.ts';
import { TagBudget } from './tag-budget.ts';
import { closedBy, isOfList } from './upstream/answers.ts';

/** Upstreams, and repositories of one upstream, that are compared at once. */
const upstreamsAtOnce = 4;
const repositoriesAtOnce = 4;
/** A round of so many tags is noted as an attempt: the function may not survive it. */
const markedFrom = 10_000;
/** Rounds that are read at once. */
const pageSize = 16;

/** What a walk did. */
export interface Walked {
  /** Repositories whose rounds are finished. */
  repositories: number;
  queued: number;
  failed: number;
  /** Whether everything that was due is done. */
  isDone: boolean;
}

/**
 * Compares everything that is due, until it is done or the time is used up. What an invocation does
 * not finish, the next one continues. An upstream that is closed or does not answer holds up
 * nothing but itself.
 */
export async function reconcileDue(deps: ReconcileDependencies, limits: Limits): Promise<Walked> {
  const walked: Walked = { repositories: 0, queued: 0, failed: 0, isDone: true };
  const room = new QueueRoom(deps);
  const budget = new TagBudget();
  await inParallel(
    deps.config.upstreams,
    upstreamsAtOnce,
    async (upstream, signal) => {
      try {
        await reconcileUpstream(upstream, { deps, room, budget, walked }, { ...limits, signal });
      } catch (error) {
        signal.throwIfAborted();
        walked.failed += 1;
        walked.isDone = false;
        deps.warn(`${upstream.registry} could not be compared with the mirror`, error);
      }
    },
    limits.signal,
  );
  return walked;
}

interface Context {
  deps: ReconcileDependencies;
  room: QueueRoom;
  budget: TagBudget;
  walked: Walked;
}

/** Whether to go on with an upstream. */
type Next = 'continue' | 'stop';

async function reconcileUpstream(upstream: Upstream, context: Context, limits: Limits): Promise<void> {
  const { deps, walked } = context;
  const { store, gate, now } = deps;
  const { registry } = upstream;
  const isClosed = async () => (await gate.closedUntil(registry, now())) !== undefined;
  if (await isClosed()) return;
  const search = await store.readSearch(registry);
  if (isSearchDue(upstream, search, now().toISOString()))
    await searchRepositories(upstream, search, deps, limits.signal);
  for (;;) {
    const due = await store.due(registry, now().toISOString(), pageSize);
    if (due.length === 0) return;
    const next = { value: 'continue' as Next };
    const finishedBefore = walked.repositories;
    await inParallel(
      due,
      repositoriesAtOnce,
      async (each, signal) => {
        if (next.value === 'stop') return;
        if ((await oneRound(upstream, each, context, { ...limits, signal })) === 'stop') next.value = 'stop';
      },
      limits.signal,
    );
    // Other upstreams may have finished some meanwhile: the time is only information.
    if (walked.repositories > finishedBefore) await store.noteFinished(registry, now().toISOString());
    if (next.value === 'stop' || now().getTime() >= limits.endsAt || (await isClosed())) {
      walked.isDone = false;
      return;
    }
  }
}

/** One repository: begins or continues its round, and notes when it is due next. */
async function oneRound(upstream: Upstream, due: DueRound, context: Context, limits: Limits): Promise<Next> {
  const { deps, walked } = context;
  const { store, now } = deps;
  const { repository } = due.round;
  const rule = ruleSelector(upstream)(repository);
  if (rule === undefined) {
    await store.forget(due);
    return 'continue';
  }
  const round = begun(due.round, rule, now());
  const save = (changes: Partial<Round>) => store.save({ ...round, ...changes }, due.notes);
  const paused = ({ after, queued }: Extract<Progress, { kind: 'paused' }>): Partial<Round> => ({
    dueAt: now().toISOString(),
    attempts: undefined,
    after,
    found: { tags: 0, selected: 0, queued, unmapped: 0 },
  });
  using share = context.budget.open();
  let marked: Partial<Round> = {};
  const reach = async (tags: number) => {
    await share.reach(tags, limits.signal);
    if (tags < markedFrom || marked.attempts !== undefined) return;
    marked = attempted(round, now());
    await save(marked);
  };
  try {
    const progress = await reconcileRepository(
      { upstream, repository, rule, after: round.after, queued: round.found?.queued ?? 0 },
      {
        deps,
        room: context.room,
        reach,
        note: async (made) => {
          if (made.kind === 'paused') await save({ ...paused(made), dueAt: round.dueAt, ...marked });
        },
      },
      limits,
    );
    if (progress.kind === 'paused') {
      await save(paused(progress));
      return 'stop';
    }
    const { found } = progress;
    walked.repositories += 1;
    walked.queued += found.queued;
    await save({ ...finished(rule, now()), found });
    return 'continue';
  } catch (error) {
    limits.signal.throwIfAborted();
    walked.failed += 1;
    return await failed(
      error,
      { upstream, rule, round, save, isMarked: marked.attempts !== undefined },
      deps,
    );
  }
}

/** The round as it begins, or continues if the rule is still the same. */
function begun(round: Round, rule: RepositoryRule, now: Date): Round {
  const fingerprint = ruleFingerprint(rule);
  const { requestedAt, begunAt } = round;
  const isAskedAgain = requestedAt !== undefined && begunAt !== undefined && requestedAt > begunAt;
  if (round.after !== undefined && round.fingerprint === fingerprint && !isAskedAgain) return round;
  const { registry, repository, dueAt, failures, error, attempts } = round;
  const state = { registry, repository, dueAt, requestedAt, failures, error, attempts };
  return { ...state, fingerprint, begunAt: now.toISOString() };
}

/**
 * The round while its long list is read: should the function die of it, it counts as failed, and is
 * tried again after a growing pause, so that it does not hold up the others.
 */
function attempted(round: Round, now: Date): Partial<Round> {
  const { attempts: deaths = 0, failures = 0 } = round;
  const attempts = deaths + 1;
  const message =
    'the function ended while it compared the repository, as it does for lack of memory or time';
  return {
    attempts,
    dueAt: later(now, pauseAfter(attempts + failures)),
    ...(deaths > 0 && { failures: Math.max(failures, deaths), error: { code: 'crashed', message } }),
  };
}

function finished(rule: RepositoryRule, now: Date): Partial<Round> {
  return {
    dueAt: rule.reconcileSeconds === undefined ? never : later(now, rule.reconcileSeconds * 1000),
    after: undefined,
    attempts: undefined,
    failures: undefined,
    error: undefined,
    finishedAt: now.toISOString(),
  };
}

interface FailedRound {
  upstream: Upstream;
  rule: RepositoryRule;
  round: Round;
  save: (changes: Partial<Round>) => Promise<void>;
  /** Whether it is noted as an attempt that may be the function's end. */
  isMarked: boolean;
}

/**
 * Notes another attempt after a growing pause. What is about the upstream rather than the
 * repository ends the walk through that upstream.
 */
async function failed(
  error: unknown,
  { upstream, rule, round, save, isMarked }: FailedRound,
  deps: ReconcileDependencies,
): Promise<Next> {
  const now = deps.now();
  const { registry } = upstream;
  const { repository } = round;
  const retry = error instanceof DrayageError ? error.retry : { kind: 'backoff' as const };
  // Not the repository's fault: it is the first one again when the upstream opens.
  const isLimited = retry.kind === 'rate-limit' && !isOfList(error, upstream);
  if ((await closedBy(error, upstream, deps)) || isLimited) {
    if (isMarked) await save({});
    return 'stop';
  }
  const failures = (round.failures ?? 0) + 1;
  const usual = (rule.reconcileSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  const pauseMs =
    retry.kind === 'never' ? Math.min(usual, 24 * 3_600_000) : Math.min(usual, pauseAfter(failures));
  await save({ dueAt: later(now, pauseMs), attempts: undefined, failures, error: roundError(error) });
  deps.warn(`${registry}/${repository} could not be compared with the mirror`, error);
  return retry.kind === 'never' ? 'continue' : 'stop';
}
