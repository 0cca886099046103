import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { BlobPool } from '../../core/copy/blob/blob-pool.ts';
import { gatheredLookUps } from '../../core/copy/blob/gathered-index.ts';
import { sendAgain } from '../../core/jobs/enqueue.ts';
import type { JobStore } from '../../core/jobs/ports.ts';
import { type ProcessDependencies, type Processed, processMessage } from '../../core/jobs/process-message.ts';
import { type CountedJob, SavingsTally } from '../../core/jobs/savings/tally.ts';
import { formatImageKey } from '../../core/mapping/record.ts';
import { boundedCode } from '../../core/telemetry/metrics.ts';
import { copyDependencies } from '../shared/copy-dependencies.ts';
import {
  comeAgainSoon,
  holdMessages,
  type MessageHold,
  type VisibilityQueue,
  withDeadline,
} from '../shared/messages.ts';
import { meter, publishMetrics, stateMetric } from '../shared/metrics.ts';
import { about, type LogKeys, logger } from '../shared/telemetry.ts';
import { traced } from '../shared/trace.ts';
import { runBatch } from './batch.ts';
import { parseMessage } from './message.ts';
import { MirrorDeployment } from './mirror-deployment.ts';
import { setApart } from './set-apart.ts';

/**
 * After how many seconds a message that crashed is retried; the next messages of its group wait
 * that long, too.
 */
const firstRetrySeconds = 30;
/**
 * How long a message stays hidden after its function's last renewal, seconds: so long the next
 * messages of its group wait if it has ended the function.
 */
const defaultHoldSeconds = 60;
/** With less time left, in milliseconds, no further job of a batch is begun. */
const leastTimeMs = 60_000;

/** Runs the jobs of a batch of the mirror queue, and returns the messages to retry. */
async function run(
  { Records: records }: SQSEvent,
  context: Context,
  deployment: MirrorDeployment,
): Promise<SQSBatchResponse> {
  const { queue, jobs, holdSeconds = defaultHoldSeconds, retrySeconds = firstRetrySeconds } = deployment;
  const hold = holdMessages(records, queue, holdSeconds);
  let begun = 0;
  const savings = new SavingsTally();
  const shared = {
    pool: new BlobPool(),
    layerIndex: gatheredLookUps(deployment.layerIndex),
    savings: {
      count(job: CountedJob) {
        savings.count(job);
        measure(job);
      },
    },
  };
  try {
    const left = await setApart(records, deployment, (record) => forget(record, { hold, queue }));
    const failed = await runBatch(left, {
      run: (record) =>
        about(keysOf(record), async () => {
          try {
            const isTooLate = begun > 0 && context.getRemainingTimeInMillis() < leastTimeMs;
            begun += 1;
            // Another invocation takes it, as if it had not been received.
            if (isTooLate) await sendAgain(parseMessage(record.body), deployment);
            else await traced('mirror job', () => runRecord(record, { context, deployment, shared }));
          } catch (error) {
            logger.error('the message goes back to the queue', { error: error as Error });
            meter.record('JobsCrashed');
            // A renewal in progress would reset its time.
            await hold.end(record);
            await comeAgainSoon(record, queue, retrySeconds);
            return false;
          }
          if (records.length > 1) await forget(record, { hold, queue });
          return true;
        }),
      begunAtOf: (record) => begunAtOf(record, jobs),
    });
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  } finally {
    void hold.end();
    await savings.write(
      () => deployment.dayCounts,
      (text, error) => logger.warn(text, { error: error as Error }),
    );
  }
}

/**
 * Deletes a message that is done. Lambda deletes it only when the whole batch is done; another job
 * may delay that by minutes, or forever. It never rejects: a message that is received again finds
 * its job finished.
 */
async function forget(
  record: SQSRecord,
  { hold, queue }: { hold: MessageHold; queue: VisibilityQueue },
): Promise<void> {
  const { receiptHandle, messageId } = record;
  try {
    await hold.end(record);
    await queue.remove(receiptHandle);
  } catch (error) {
    logger.warn('a finished message stays in the queue until its batch is done', {
      messageId,
      error: error as Error,
    });
  }
}

async function begunAtOf({ body }: SQSRecord, jobs: Pick<JobStore, 'read'>): Promise<string> {
  try {
    return (await jobs.read(parseMessage(body).job))?.begunAt ?? '';
  } catch (error) {
    logger.warn('when a job was begun could not be read', { error: error as Error });
    return '';
  }
}

/** The environment of a job. */
interface Invocation {
  context: Context;
  deployment: MirrorDeployment;
  /** Shared by the jobs of the batch. */
  shared: Pick<ProcessDependencies, 'pool' | 'layerIndex' | 'savings'>;
}

async function runRecord(
  { body, messageId }: SQSRecord,
  { context, deployment, shared }: Invocation,
): Promise<void> {
  const message = parseMessage(body);
  const done = await withDeadline(context, (signal, endsAt) =>
    processMessage(
      message,
      {
        ...copyDependencies(deployment, endsAt),
        ...shared,
        delivery: messageId,
        fanOut: deployment.fanOut,
        keepInLine: deployment.keepInLine,
        requirements: deployment.requirements,
        verifyImage: deployment.verifyImage,
        awaited: deployment.awaitedSignatures,
      },
      signal,
    ),
  );
  tell(done);
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
  meter.record(
    stateMetric('Jobs', done.state),
    1,
    done.state === 'failed' ? boundedCode(error?.code) : undefined,
  );
}

/**
 * Measures a job that has published an image, once, however often it is delivered. What its layer
 * jobs have copied is part of it: the layer function does not count it again.
 */
function measure({ trigger, transfer, lagMs }: CountedJob): void {
  if (transfer !== undefined) {
    meter.record('BytesCopied', transfer.copied.bytes);
    meter.record('BytesMounted', transfer.mounted.bytes);
    meter.record('BytesPresent', transfer.present.bytes);
  }
  // Nobody waits for what a comparison or a later look finds.
  if (trigger === 'webhook') meter.record('PushLag', lagMs);
}

/** What the log lines of a message are about. */
function keysOf({ body, messageId }: SQSRecord): LogKeys {
  try {
    const { job, image } = parseMessage(body);
    return { job, image: formatImageKey(image), messageId };
  } catch {
    return { messageId }; // it is told when it is run
  }
}

/** Makes the handler of the mirror queue. */
export function createHandler(deployment: MirrorDeployment) {
  return middy((event: SQSEvent, context: Context) => run(event, context, deployment))
    .use(injectLambdaContext(logger))
    .use(publishMetrics());
}

export const handler = createHandler(new MirrorDeployment(process.env));
