import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { ScheduledEvent } from 'aws-lambda';
import { resendDue } from '../../core/jobs/resend.ts';
import { Deployment } from '../shared/deployment.ts';
import { logger, metrics } from '../shared/telemetry.ts';

/**
 * Every minute: sends the parked jobs that are due.
 *
 * @throws if the queue refused some, so that the invocation counts as failed and raises an alarm;
 *   they stay parked.
 */
async function run({ config, jobs, queue }: Deployment): Promise<{ sent: number }> {
  const { sent, refused } = await resendDue({ config, jobs, queue }, new Date());
  if (sent > 0) logger.info('parked jobs were queued again', { sent });
  metrics.addMetric('JobsResent', MetricUnit.Count, sent);
  if (refused > 0)
    throw new Error(`the queue refused ${refused} parked jobs: they stay parked for the next minute`);
  return { sent };
}

/** Makes the handler of the schedule's calls. */
export function createHandler(deployment: Deployment) {
  return middy((_event: Pick<ScheduledEvent, 'time'>) => run(deployment))
    .use(injectLambdaContext(logger))
    .use(logMetrics(metrics));
}

export const handler = createHandler(new Deployment(process.env));
