import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context, ScheduledEvent } from 'aws-lambda';
import type { DryRunDependencies } from '../../core/reconcile/dry-run/ports.ts';
import { runAskedDryRuns } from '../../core/reconcile/dry-run/run-asked.ts';
import type { ReconcileDependencies } from '../../core/reconcile/ports.ts';
import { reconcileDue, type Walked } from '../../core/reconcile/walk.ts';
import { withLock } from '../../core/reconcile/with-lock.ts';
import { meter, publishMetrics } from '../shared/metrics.ts';
import { keepInLine } from '../shared/settings.ts';
import { logger } from '../shared/telemetry.ts';
import { ReconcileDeployment } from './deployment.ts';

/** With less time left, in milliseconds, nothing new is begun. */
const leastTimeMs = 120_000;
/** So long dry runs may go on. */
const dryRunMs = 5 * 60_000;
/** With less, what is under way is given up: it begins again the next time. */
const lastMs = 10_000;

/** Every minute: compares what is due with the mirror, unless another invocation still does. */
async function run(context: Context, deployment: ReconcileDeployment): Promise<Walked | undefined> {
  const { store } = deployment;
  await dryRuns(context, deployment);
  const remainingMs = context.getRemainingTimeInMillis();
  const walked = await withLock(
    store,
    { owner: context.awsRequestId, signal: AbortSignal.timeout(Math.max(1, remainingMs - lastMs)) },
    (signal) =>
      reconcileDue(dependencies(deployment), { endsAt: Date.now() + remainingMs - leastTimeMs, signal }),
  );
  if (walked === undefined) return undefined;
  const { repositories, queued, failed } = walked;
  if (repositories + queued + failed > 0)
    logger.info('upstreams were compared with the mirror', { ...walked });
  meter.record('RepositoriesCompared', repositories);
  meter.record('ReconcileJobs', queued);
  meter.record('ReconcileFailures', failed);
  return walked;
}

/**
 * What somebody has asked for is told first; the comparisons themselves go on elsewhere meanwhile.
 */
async function dryRuns(context: Context, deployment: ReconcileDeployment): Promise<void> {
  const remainingMs = context.getRemainingTimeInMillis();
  const deps: DryRunDependencies = {
    ...dependencies(deployment),
    dryRuns: deployment.dryRuns,
    planSettings: (repository, options) =>
      deployment.settingsPlan.keepInLine(repository, { ...options, dryRun: true }),
  };
  const signal = AbortSignal.timeout(Math.max(1, remainingMs - leastTimeMs));
  try {
    await runAskedDryRuns(deps, {
      endsAt: Date.now() + Math.min(dryRunMs, remainingMs - leastTimeMs),
      signal,
    });
  } catch (error) {
    logger.warn('a dry run was given up', { error: error as Error });
  }
}

function dependencies(deployment: ReconcileDeployment): ReconcileDependencies {
  const { config, mappings, jobs, queue, images, notifier, store, upstreams } = deployment;
  return {
    config,
    mappings,
    jobs,
    queue,
    images,
    notifier,
    store,
    upstreams,
    gate: deployment.upstreamGate,
    mirrorTags: (repository, signal) => deployment.images.tags(repository, { signal }),
    mirrorRepositories: (prefix, signal) => deployment.images.repositories(prefix, { signal }),
    // Rounds are rare: each of them looks.
    keepInLine: (repository, options) =>
      keepInLine(() => deployment.settings, repository, { ...options, fresh: true }),
    backlog: () => deployment.queueLength.count(),
    now: () => new Date(),
    warn: (text, error) => logger.warn(text, { error: error as Error }),
  };
}

/** Makes the handler of the schedule's calls. */
export function createHandler(deployment: ReconcileDeployment) {
  return middy((_event: Pick<ScheduledEvent, 'time'>, context: Context) => run(context, deployment))
    .use(injectLambdaContext(logger))
    .use(publishMetrics());
}

export const handler = createHandler(new ReconcileDeployment(process.env));
