import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { type Processed, processMessage } from '../../core/jobs/process-message.ts';
import { formatImageKey } from '../../core/mapping/record.ts';
import { comeAgainSoon, holdMessages, type MessageHold, withDeadline } from '../shared/messages.ts';
import { openMirror, openUpstream } from '../shared/registries.ts';
import {
  config,
  fanOutBytes,
  jobs,
  layerIndex,
  layerLeases,
  layerQueue,
  mappings,
  queue,
  streamSpeed,
  upstreamGate,
} from '../shared/services.ts';
import { logger, metrics } from '../shared/telemetry.ts';
import { parseMessage } from './message.ts';

/** When a message that crashed comes again, seconds; its group waits as long. */
const firstRetrySeconds = 30;

/**
 * Runs the jobs of a batch of the mirror queue, and reports the messages that must come again. After the first of
 * those nothing more is run: in a FIFO queue the later ones would overtake it.
 */
async function runBatch(event: SQSEvent, context: Context, hold: MessageHold): Promise<SQSBatchResponse> {
  for (const [index, record] of event.Records.entries()) {
    try {
      await runRecord(record.body, context);
    } catch (error) {
      logger.error('the message goes back to the queue', {
        messageId: record.messageId,
        error: error as Error,
      });
      metrics.addMetric('JobsCrashed', MetricUnit.Count, 1);
      // A renewal under way would set its time again. The rest of the group waits with it.
      await hold.end();
      await comeAgainSoon(record, queue(), firstRetrySeconds);
      return {
        batchItemFailures: event.Records.slice(index).map(({ messageId }) => ({ itemIdentifier: messageId })),
      };
    }
  }
  return { batchItemFailures: [] };
}

async function run(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const hold = holdMessages(event.Records, queue());
  try {
    return await runBatch(event, context, hold);
  } finally {
    void hold.end();
  }
}

async function runRecord(body: string, context: Context): Promise<void> {
  const message = parseMessage(body);
  logger.appendKeys({ job: message.job, image: formatImageKey(message.image) });
  try {
    const done = await withDeadline(context, (signal, endsAt) =>
      processMessage(
        message,
        {
          config: config(),
          mappings: mappings(),
          jobs: jobs(),
          queue: queue(),
          layerIndex: layerIndex(),
          gate: upstreamGate(),
          fanOut: { queue: layerQueue(), leases: layerLeases(), minBytes: fanOutBytes() },
          timeLimit: { endsAt, speed: streamSpeed() },
          openUpstream,
          openMirror,
          now: () => new Date(),
          warn: (text, error) => logger.warn(text, { error: error as Error }),
        },
        signal,
      ),
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
  metrics.addMetric(`Jobs${done.state.charAt(0).toUpperCase()}${done.state.slice(1)}`, MetricUnit.Count, 1);
  if (transfer) metrics.addMetric('BytesCopied', MetricUnit.Bytes, transfer.copied.bytes);
}

export const handler = middy(run).use(injectLambdaContext(logger)).use(logMetrics(metrics));
