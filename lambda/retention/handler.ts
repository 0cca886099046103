import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context, ScheduledEvent } from 'aws-lambda';
import { announce } from '../../core/notify/announce.ts';
import { imagesPruned } from '../../core/notify/events.ts';
import { withLock } from '../../core/reconcile/with-lock.ts';
import { monthlyDollars } from '../../core/retention/cost.ts';
import { hasRetention, type Pass, type PassDependencies, runPasses } from '../../core/retention/pass.ts';
import { meter, publishMetrics } from '../shared/metrics.ts';
import { logger } from '../shared/telemetry.ts';
import { RetentionDeployment } from './deployment.ts';

/** With less time left, in milliseconds, nothing new is begun. */
const leastTimeMs = 180_000;
/** With less, what is under way is given up: the next pass does it. */
const lastMs = 10_000;

/** Every minute: deletes what rules with `retention` let go, if a pass is due or asked for. */
async function run(context: Context, deployment: RetentionDeployment): Promise<Pass['totals'] | undefined> {
  if (!hasRetention(deployment.config)) return undefined;
  const remainingMs = context.getRemainingTimeInMillis();
  const owner = context.awsRequestId;
  return await withLock(
    deployment.passes,
    { owner, signal: AbortSignal.timeout(Math.max(1, remainingMs - lastMs)) },
    (signal) =>
      runPasses(dependencies(deployment, owner), { endsAt: Date.now() + remainingMs - leastTimeMs, signal }),
  );
}

function dependencies(deployment: RetentionDeployment, owner: string): PassDependencies {
  const { config, mappings, passes, retiring, contents, notifier } = deployment;
  const warn = (text: string, error: unknown) => logger.warn(text, { error: error as Error });
  return {
    config,
    mappings,
    passes,
    retiring,
    contents,
    owner,
    now: () => new Date(),
    async tell({ id, dryRun }, report) {
      const { images, ...summary } = report;
      if (report.count + (report.failed?.count ?? 0) === 0) return;
      const text = dryRun ? 'images could be deleted from the mirror' : 'images were deleted from the mirror';
      const dollarsPerMonth = monthlyDollars(report.bytes);
      // A line of the log has at most 256 kB.
      const digests = images.map(({ digest }) => digest);
      logger.info(text, { pass: id, ...summary, dollarsPerMonth, digests });
      if (dryRun) return;
      meter.record('ImagesDeleted', report.count);
      meter.record('BytesDeleted', report.bytes);
      meter.record('ImagesNotDeleted', report.failed?.count ?? 0);
      if (report.count === 0) return;
      const event = { config, pass: id, at: new Date(), report, dollarsPerMonth };
      await announce(() => imagesPruned(event), { notifier, warn });
    },
    warn,
  };
}

/** Makes the handler of the schedule's calls. */
export function createHandler(deployment: RetentionDeployment) {
  return middy((_event: Pick<ScheduledEvent, 'time'>, context: Context) => run(context, deployment))
    .use(injectLambdaContext(logger))
    .use(publishMetrics());
}

export const handler = createHandler(new RetentionDeployment(process.env));
