import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { ProcessedLayer } from '../../core/jobs/layers/layer-job.ts';
import { processLayer } from '../../core/jobs/layers/process-layer.ts';
import type { LayerMessage } from '../../core/jobs/ports.ts';
import { comeAgainSoon, holdMessages, type MessageHold, withDeadline } from '../shared/messages.ts';
import { openMirror, openUpstream } from '../shared/registries.ts';
import {
  config,
  jobs,
  layerIndex,
  layerLeases,
  layerQueue,
  queue,
  streamSpeed,
  upstreamGate,
} from '../shared/services.ts';
import { logger, metrics } from '../shared/telemetry.ts';
import { parseLayerMessage } from './message.ts';

/**
 * When a message that crashed comes again, seconds: later than a lease that could not be released has run out, which would
 * have the message dropped.
 */
const firstRetrySeconds = 90;

/** Carries the layers of a batch of the layer queue, and reports the messages that must come again. */
async function runBatch(event: SQSEvent, context: Context, hold: MessageHold): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const record of event.Records) {
    try {
      await runRecord(record.body, context);
    } catch (error) {
      const { messageId } = record;
      logger.error('the message goes back to the queue', { messageId, error: error as Error });
      metrics.addMetric('LayersCrashed', MetricUnit.Count, 1);
      // A renewal under way would set its time again.
      await hold.end(record);
      await comeAgainSoon(record, layerQueue(), firstRetrySeconds);
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
}

async function run(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const hold = holdMessages(event.Records, layerQueue());
  try {
    return await runBatch(event, context, hold);
  } finally {
    void hold.end();
  }
}

async function runRecord(body: string, context: Context): Promise<void> {
  const message = parseLayerMessage(body);
  logger.appendKeys({ job: message.job, layer: message.layer.digest });
  try {
    const done = await withDeadline(context, (signal, endsAt) =>
      processLayer(
        message,
        {
          config: config(),
          jobs: jobs(),
          queue: queue(),
          layerQueue: layerQueue(),
          leases: layerLeases(),
          gate: upstreamGate(),
          layerIndex: layerIndex(),
          timeLimit: { endsAt, speed: streamSpeed() },
          openUpstream,
          openMirror,
          now: () => new Date(),
          warn: (text, error) => logger.warn(text, { error: error as Error }),
        },
        signal,
      ),
    );
    tell(done, message);
  } finally {
    logger.removeKeys(['job', 'layer']);
  }
}

function tell(done: ProcessedLayer, { layer }: LayerMessage): void {
  if (done.state === 'failed') logger.error('the layer failed its job', { reason: done.error });
  else if (done.state === 'waiting')
    logger.warn('the job of the layer waits', { reason: done.error, notBefore: done.notBefore });
  else logger.info(`the layer is ${done.state}`, { ...done });
  metrics.addMetric(`Layers${done.state.charAt(0).toUpperCase()}${done.state.slice(1)}`, MetricUnit.Count, 1);
  if (done.state === 'carried' && done.how === 'copied')
    metrics.addMetric('BytesCopied', MetricUnit.Bytes, layer.size);
}

export const handler = middy(run).use(injectLambdaContext(logger)).use(logMetrics(metrics));
