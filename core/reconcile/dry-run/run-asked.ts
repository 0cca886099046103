import { inParallel } from '../../async/in-parallel.ts';
import type { Upstream } from '../../config/config.ts';
import { ruleSelector } from '../../policy/select-image.ts';
import { coveredRepositories, isNotOffered } from '../coverage.ts';
import type { Limits } from '../ports.ts';
import { roundError } from '../search.ts';
import { askedUpstream, closedBy } from '../upstream/answers.ts';
import { knownRepositories } from '../upstream/known-repositories.ts';
import type { ComparedRepository } from '../upstream/read-sides.ts';
import { dryRunRepository } from './dry-run-repository.ts';
import type { AskedDryRun, DryRunDependencies } from './ports.ts';
import { addToReport, type DryRun, emptyReport, mostFailures, type Scope } from './report.ts';

/** Repositories that are compared at once. */
const atOnce = 4;
/** How often a report that is under way is recorded, milliseconds. */
const saveEveryMs = 3_000;

/** Does the dry runs that are asked for, until all are done or the time is used up. */
export async function runAskedDryRuns(deps: DryRunDependencies, limits: Limits): Promise<void> {
  while (deps.now().getTime() < limits.endsAt) {
    const asked = await deps.dryRuns.take(deps.now());
    if (asked === undefined) return;
    await dryRun(asked, deps, limits);
    await deps.dryRuns.done(asked);
  }
}

async function dryRun(asked: AskedDryRun, deps: DryRunDependencies, limits: Limits): Promise<void> {
  const { askedAt: _at, ...scope } = asked;
  const report = emptyReport(scope, deps.now());
  await deps.dryRuns.save(report);
  try {
    const upstream = deps.config.upstreams.find(({ registry }) => registry === scope.registry);
    if (upstream) await compareAll(upstream, scope, { report, deps, limits });
  } catch (error) {
    limits.signal.throwIfAborted();
    report.error ??= roundError(error);
    deps.warn(`the dry run for ${scope.registry} failed`, error);
  }
  await deps.dryRuns.save({ ...report, finishedAt: deps.now().toISOString() });
}

interface Context {
  report: DryRun;
  deps: DryRunDependencies;
  limits: Limits;
}

async function compareAll(
  upstream: Upstream,
  scope: Scope,
  { report, deps, limits }: Context,
): Promise<void> {
  const repositories = await repositoriesOf(upstream, scope, { report, deps, limits });
  report.repositories = repositories.length;
  let savedAt = deps.now().getTime();
  await inParallel(
    repositories,
    atOnce,
    async (compared, signal) => {
      if (report.error !== undefined) return;
      if (deps.now().getTime() >= limits.endsAt) {
        report.error = { code: 'TIME_USED_UP', message: 'the time of one invocation is used up' };
        return;
      }
      try {
        addToReport(report, await dryRunRepository(compared, deps, signal));
      } catch (error) {
        signal.throwIfAborted();
        await addFailure(error, compared, { report, deps });
      }
      if (deps.now().getTime() - savedAt < saveEveryMs) return;
      savedAt = deps.now().getTime();
      await deps.dryRuns.save(report);
    },
    limits.signal,
  );
}

/** What is about the upstream rather than the repository ends the dry run. */
async function addFailure(
  error: unknown,
  { upstream, repository }: ComparedRepository,
  { report, deps }: Omit<Context, 'limits'>,
): Promise<void> {
  if (await closedBy(error, upstream, deps)) {
    report.error ??= roundError(error);
    return;
  }
  report.compared += 1;
  if (report.failed.length < mostFailures) report.failed.push({ repository, ...roundError(error) });
}

/** The repositories of a scope that are compared, with their rules. */
async function repositoriesOf(
  upstream: Upstream,
  { repository: only }: Scope,
  { report, deps, limits: { signal } }: Context,
): Promise<ComparedRepository[]> {
  if (only !== undefined) {
    const rule = ruleSelector(upstream)(only);
    return rule === undefined ? [] : [{ upstream, repository: only, rule }];
  }
  const { repositories, unlisted } = await coveredRepositories(upstream, {
    known: () => knownRepositories(upstream, deps, signal),
    listed: () => askedUpstream(upstream, deps.upstreams.listRepositories(upstream, signal), deps),
  });
  if (unlisted !== undefined) {
    if (await closedBy(unlisted, upstream, deps)) throw unlisted;
    if (!isNotOffered(unlisted)) report.failed.push({ repository: '', ...roundError(unlisted) });
  }
  return repositories.map((each) => ({ upstream, ...each }));
}
