import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { type Processed, processMessage } from '../../core/jobs/process-message.ts';
import { formatImageKey } from '../../core/mapping/record.ts';
import { copyDependencies } from '../shared/copy-dependencies.ts';
import { CopyDeployment } from '../shared/copy-deployment.ts';
import { comeAgainSoon, holdMessages, type MessageBatch, withDeadline } from '../shared/messages.ts';
import { logger, metrics, stateMetric } from '../shared/telemetry.ts';
import { parseMessage } from './message.ts';

/** When a message that crashed comes again, seconds; its group waits as long. */
const firstRetrySeconds = 30;

/**
 * Runs the jobs of a batch of the mirror queue, and reports the messages that must come again. After the first of
 * those nothing more is run: in a FIFO queue the later ones would overtake it.
 */
async function runBatch(
  { records, context, hold, retrySeconds }: MessageBatch,
  deployment: CopyDeployment,
): Promise<SQSBatchResponse> {
  for (const [index, record] of records.entries()) {
    try {
      await runRecord(record.body, context, deployment);
    } catch (error) {
      logger.error('the message goes back to the queue', {
        messageId: record.messageId,
        error: error as Error,
      });
      metrics.addMetric('JobsCrashed', MetricUnit.Count, 1);
      // A renewal under way would set its time again. The rest of the group waits with it.
      await hold.end();
      await comeAgainSoon(record, deployment.queue, retrySeconds);
      return {
        batchItemFailures: records.slice(index).map(({ messageId }) => ({ itemIdentifier: messageId })),
      };
    }
  }
  return { batchItemFailures: [] };
}

async function run(
  { Records: records }: SQSEvent,
  context: Context,
  deployment: CopyDeployment,
): Promise<SQSBatchResponse> {
  const { queue, holdSeconds, retrySeconds = firstRetrySeconds } = deployment;
  const hold = holdMessages(records, queue, holdSeconds);
  try {
    return await runBatch({ records, context, hold, retrySeconds }, deployment);
  } finally {
    void hold.end();
  }
}

async function runRecord(body: string, context: Context, deployment: CopyDeployment): Promise<void> {
  const message = parseMessage(body);
  logger.appendKeys({ job: message.job, image: formatImageKey(message.image) });
  try {
    const done = await withDeadline(context, (signal, endsAt) =>
      processMessage(message, { ...copyDependencies(deployment, endsAt), fanOut: deployment.fanOut }, signal),
    );
    tell(done);
  } finally {
    logger.removeKeys(['job', 'image']);
  }
}

function tell(done: Processed): void {
  if (done.state === 'gone') {
    logger.info('the job was finished before');
    return;
  }
  const { transfer, error, digest } = done.job;
  if (done.state === 'failed') logger.error('the job failed', { reason: error });
  else if (done.state === 'waiting')
    logger.warn('the job waits', { reason: error, notBefore: done.job.notBefore });
  else logger.info(`the job is ${done.state}`, { digest, transfer });
  metrics.addMetric(stateMetric('Jobs', done.state), MetricUnit.Count, 1);
  if (transfer) metrics.addMetric('BytesCopied', MetricUnit.Bytes, transfer.copied.bytes);
}

/** Makes the handler of the mirror queue. */
export function createHandler(deployment: CopyDeployment) {
  return middy((event: SQSEvent, context: Context) => run(event, context, deployment))
    .use(injectLambdaContext(logger))
    .use(logMetrics(metrics));
}

export const handler = createHandler(new CopyDeployment(process.env));
