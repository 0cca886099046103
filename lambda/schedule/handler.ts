import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { ScheduledEvent } from 'aws-lambda';
import { settleDeadJobs, settleDeadLayers } from '../../core/jobs/recovery/dead-letters.ts';
import { resendDue } from '../../core/jobs/resend.ts';
import { formatImageKey } from '../../core/mapping/record.ts';
import { parseLayerMessage } from '../layer/message.ts';
import { parseMessage } from '../mirror/message.ts';
import { logger, metrics } from '../shared/telemetry.ts';
import { ScheduleDeployment } from './deployment.ts';

/**
 * Every minute: sends the parked jobs that are due, records what crashed too often, and migrates
 * the table if this release needs that.
 *
 * @throws if some of it failed, so that the invocation counts as failed and raises an alarm; the
 *   next call does it.
 */
async function run(deployment: ScheduleDeployment): Promise<{ sent: number; failed: number }> {
  const [resent, dead, migrated] = await Promise.allSettled([
    resend(deployment),
    settleDeadLetters(deployment),
    migrateTable(deployment),
  ]);
  if (resent.status === 'rejected') throw resent.reason;
  if (dead.status === 'rejected') throw dead.reason;
  if (migrated.status === 'rejected') throw migrated.reason;
  return { sent: resent.value, failed: dead.value };
}

async function resend({ config, jobs, queue }: ScheduleDeployment): Promise<number> {
  const { sent, refused } = await resendDue({ config, jobs, queue }, new Date());
  if (sent > 0) logger.info('parked jobs were queued again', { sent });
  metrics.addMetric('JobsResent', MetricUnit.Count, sent);
  if (refused > 0)
    throw new Error(`the queue refused ${refused} parked jobs: they stay parked for the next minute`);
  return sent;
}

/** How long the steps of a migration may take in one call: the function has a minute. */
const migrationMs = 20_000;

async function migrateTable(deployment: ScheduleDeployment): Promise<void> {
  const result = await deployment.migrateTable(Date.now() + migrationMs);
  if (result.kind === 'current') return;
  if (result.kind === 'newer')
    logger.error('a later release has changed the table: nothing is written until it is deployed again');
  else logger.info('the table is being migrated', { state: result.kind, to: result.to });
}

/** @returns how many jobs it recorded as failed */
async function settleDeadLetters(deployment: ScheduleDeployment): Promise<number> {
  const { config, jobs, queue, layerLeases: leases, notifier } = deployment;
  const deps = {
    config,
    jobs,
    queue,
    leases,
    notifier,
    now: () => new Date(),
    warn: (text: string, error: unknown) => logger.warn(text, { error: error as Error }),
  };
  const [ofJobs, ofLayers] = await Promise.all([
    settleDeadJobs(deployment.deadJobs, parseMessage, deps),
    settleDeadLayers(deployment.deadLayers, parseLayerMessage, deps),
  ]);
  const failed = [...ofJobs.failed, ...ofLayers.failed];
  for (const { id, key, error } of failed)
    logger.error('the job failed: it crashed too often', {
      job: id,
      image: formatImageKey(key),
      reason: error,
    });
  if (ofJobs.sentAgain > 0)
    logger.warn('jobs whose attempts could not begin were queued again', { sent: ofJobs.sentAgain });
  metrics.addMetric('JobsDead', MetricUnit.Count, failed.length);
  // Those in the queues raise an alarm of their own.
  for (const error of [...ofJobs.problems, ...ofLayers.problems])
    logger.error('a message stays in its dead-letter queue', { error: error as Error });
  return failed.length;
}

/** Makes the handler of the schedule's calls. */
export function createHandler(deployment: ScheduleDeployment) {
  return middy((_event: Pick<ScheduledEvent, 'time'>) => run(deployment))
    .use(injectLambdaContext(logger))
    .use(logMetrics(metrics));
}

export const handler = createHandler(new ScheduleDeployment(process.env));
