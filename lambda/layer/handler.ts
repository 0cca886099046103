import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { ProcessedLayer } from '../../core/jobs/layers/layer-job.ts';
import { processLayer } from '../../core/jobs/layers/process-layer.ts';
import { boundedCode } from '../../core/telemetry/metrics.ts';
import { copyDependencies } from '../shared/copy-dependencies.ts';
import { CopyDeployment } from '../shared/copy-deployment.ts';
import { comeAgainSoon, holdMessages, type MessageBatch, withDeadline } from '../shared/messages.ts';
import { meter, publishMetrics, stateMetric } from '../shared/metrics.ts';
import { about, type LogKeys, logger } from '../shared/telemetry.ts';
import { traced } from '../shared/trace.ts';
import { parseLayerMessage } from './message.ts';

/**
 * After how many seconds a message that crashed is retried: longer than an unreleased lease lasts,
 * since a retry that still finds the lease would drop the message.
 */
const firstRetrySeconds = 90;

/** Copies the layers of a batch of the layer queue, and returns the messages to retry. */
async function runBatch(
  { records, context, hold, retrySeconds }: MessageBatch,
  deployment: CopyDeployment,
): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const record of records) {
    const { messageId } = record;
    await about(keysOf(record), async () => {
      try {
        await traced('layer', () => runRecord(record.body, context, deployment));
      } catch (error) {
        logger.error('the message goes back to the queue', { error: error as Error });
        meter.record('LayersCrashed');
        // A renewal in progress would reset its time.
        await hold.end(record);
        await comeAgainSoon(record, deployment.layerQueue, retrySeconds);
        batchItemFailures.push({ itemIdentifier: messageId });
      }
    });
  }
  return { batchItemFailures };
}

async function run(
  { Records: records }: SQSEvent,
  context: Context,
  deployment: CopyDeployment,
): Promise<SQSBatchResponse> {
  const { layerQueue, holdSeconds, retrySeconds = firstRetrySeconds } = deployment;
  const hold = holdMessages(records, layerQueue, holdSeconds);
  try {
    return await runBatch({ records, context, hold, retrySeconds }, deployment);
  } finally {
    void hold.end();
  }
}

async function runRecord(body: string, context: Context, deployment: CopyDeployment): Promise<void> {
  const message = parseLayerMessage(body);
  const done = await withDeadline(context, (signal, endsAt) =>
    processLayer(message, copyDependencies(deployment, endsAt), signal),
  );
  tell(done);
}

/** What the log lines of a message are about. */
function keysOf({ body, messageId }: SQSRecord): LogKeys {
  try {
    const { job, layer } = parseLayerMessage(body);
    return { job, layer: layer.digest, messageId };
  } catch {
    return { messageId }; // it is told when it is run
  }
}

function tell(done: ProcessedLayer): void {
  if (done.state === 'failed') logger.error('the layer failed its job', { reason: done.error });
  else if (done.state === 'waiting')
    logger.warn('the job of the layer waits', { reason: done.error, notBefore: done.notBefore });
  else logger.info(`the layer is ${done.state}`, { ...done });
  // Its bytes are counted with those of its image, by the mirror function.
  meter.record(
    stateMetric('Layers', done.state),
    1,
    done.state === 'failed' ? boundedCode(done.error.code) : undefined,
  );
}

/** Makes the handler of the layer queue. */
export function createHandler(deployment: CopyDeployment) {
  return middy((event: SQSEvent, context: Context) => run(event, context, deployment))
    .use(injectLambdaContext(logger))
    .use(publishMetrics());
}

export const handler = createHandler(new CopyDeployment(process.env));
