import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { SecretError } from '../../core/aws/secrets.ts';
import { type Delivery, deliver } from '../../core/notify/deliver.ts';
import { pauseAfter } from '../../core/notify/retries.ts';
import { meter, publishMetrics } from '../shared/metrics.ts';
import { logger } from '../shared/telemetry.ts';
import { type NotifyMessage, parseNotifyMessage } from './message.ts';
import { NotifyDeployment } from './notify-deployment.ts';

/**
 * Delivers the events of a batch side by side, each to its endpoint, and returns the messages to
 * retry.
 */
async function run({ Records: records }: SQSEvent, deployment: NotifyDeployment): Promise<SQSBatchResponse> {
  const failed: SQSRecord[] = [];
  await Promise.all(
    records.map(async (record) => {
      if (!(await runRecord(record, deployment))) failed.push(record);
    }),
  );
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

/** @returns whether the message is done; if not, it is hidden until its next attempt. */
async function runRecord(record: SQSRecord, deployment: NotifyDeployment): Promise<boolean> {
  const attempt = Number(record.attributes.ApproximateReceiveCount) || 1;
  let delivery: Delivery | { kind: 'unknown' };
  let about: Record<string, string | number> = { messageId: record.messageId, attempt };
  try {
    const message = parseNotifyMessage(record.body);
    about = { endpoint: message.endpoint, event: message.event.id, attempt };
    delivery = await attemptAt(message, deployment);
  } catch (error) {
    logger.error('an event could not be handled', { ...about, error: error as Error });
    delivery = { kind: 'failed', reason: 'see the error' };
  }
  if (delivery.kind !== 'failed') {
    tell(delivery, about);
    return true;
  }
  const pause = pauseAfter(attempt, delivery.retryAfterSeconds);
  const { reason } = delivery;
  meter.record('NotificationsFailed');
  if (pause === undefined)
    logger.error('an event is given up: it moves to the dead-letter queue', { ...about, reason });
  else
    logger.warn('an event could not be delivered, and is retried', { ...about, reason, pauseSeconds: pause });
  await hide(record, pause ?? 0, deployment);
  return false;
}

async function attemptAt(
  { endpoint: name, event }: NotifyMessage,
  deployment: NotifyDeployment,
): Promise<Delivery | { kind: 'unknown' }> {
  const endpoint = deployment.endpoint(name);
  if (endpoint === undefined) return { kind: 'unknown' };
  try {
    const secrets = await deployment.secretsOf(endpoint);
    const connections = deployment.connectionsTo(endpoint);
    return await deliver(endpoint, event, { secrets, connections, now: new Date() });
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    return { kind: 'failed', reason: `${error.message}; ${error.remedy}` };
  }
}

function tell(
  delivery: Exclude<Delivery, { kind: 'failed' }> | { kind: 'unknown' },
  about: Record<string, string | number>,
): void {
  switch (delivery.kind) {
    case 'delivered':
      meter.record('NotificationsDelivered');
      logger.info('an event was delivered', { ...about, status: delivery.status });
      return;
    case 'gone':
      meter.record('NotificationsRefused');
      logger.error('the endpoint wants no more events (410): remove it from mirror.yaml', about);
      return;
    case 'unknown':
      logger.warn('an event is dropped: mirror.yaml no longer has its endpoint', about);
  }
}

/** On failure, the message comes back after the queue's own visibility timeout. */
async function hide(
  record: SQSRecord,
  pause: number,
  { queue, retrySeconds }: NotifyDeployment,
): Promise<void> {
  try {
    await queue.hideFor(record.receiptHandle, Math.min(pause, retrySeconds ?? pause));
  } catch (error) {
    const { messageId } = record;
    logger.warn('the pause before the next attempt could not be set', { messageId, error: error as Error });
  }
}

/** Makes the handler of the notify queue. */
export function createHandler(deployment: NotifyDeployment) {
  return middy((event: SQSEvent, _context: Context) => run(event, deployment))
    .use(injectLambdaContext(logger))
    .use(publishMetrics());
}

export const handler = createHandler(new NotifyDeployment(process.env));
