import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageCommand, type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Invocable } from './watcher.ts';

export interface EventSourceOptions {
  endpoint: string;
  region: string;
  queueUrl: string;
  function: Invocable;
  /** Messages at once; of a FIFO queue each is of another group, as SQS gives out no second one of a group. */
  concurrency: number;
  log: NodeJS.WritableStream;
}

export interface EventSource {
  /** Takes no more messages; resolves when those under way have ended or `withinMs` is over. */
  stop(withinMs: number): Promise<void>;
}

/**
 * Feeds a function from a queue, as Lambda's event source mapping does with a batch size of 1: what the function
 * reports as failed, or fails with, stays in the queue for the rest of its visibility timeout; all else is deleted.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function startEventSource(options: EventSourceOptions): EventSource {
  const client = new SQSClient({
    endpoint: options.endpoint,
    region: options.region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const stopping = new AbortController();
  const pollers = Array.from({ length: options.concurrency }, () => poll(client, options, stopping.signal));
  return {
    async stop(withinMs) {
      stopping.abort();
      const late = new AbortController();
      await Promise.race([
        Promise.all(pollers),
        sleep(withinMs, undefined, { signal: late.signal }).catch(() => {}),
      ]);
      late.abort();
      client.destroy();
    },
  };
}

async function poll(client: SQSClient, options: EventSourceOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let messages: Message[] = [];
    try {
      const received = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: options.queueUrl,
          MaxNumberOfMessages: 1,
          WaitTimeSeconds: 20,
          MessageSystemAttributeNames: ['All'],
        }),
        { abortSignal: signal },
      );
      messages = received.Messages ?? [];
    } catch (error) {
      if (signal.aborted) return;
      options.log.write(`the queue could not be read: ${(error as Error).message}\n`);
      await sleep(1_000, undefined, { signal }).catch(() => {});
    }
    for (const message of messages) await deliver(client, options, message, signal);
  }
}

async function deliver(
  client: SQSClient,
  options: EventSourceOptions,
  message: Message,
  signal: AbortSignal,
): Promise<void> {
  const handle = { QueueUrl: options.queueUrl, ReceiptHandle: message.ReceiptHandle };
  try {
    const answer = (await options.function.invoke(toEvent(message, options))) as SQSBatchResponse | null;
    if ((answer?.batchItemFailures.length ?? 0) === 0) {
      await client.send(new DeleteMessageCommand(handle));
      return;
    }
  } catch (error) {
    if (signal.aborted) return; // stopped in the middle: the message stays, and the job's record says it is unfinished
    options.log.write(`the ${options.function.name} function failed: ${(error as Error).message}\n`);
  }
}

function toEvent(message: Message, { queueUrl, region }: EventSourceOptions): SQSEvent {
  const record: SQSRecord = {
    messageId: message.MessageId ?? '',
    receiptHandle: message.ReceiptHandle ?? '',
    body: message.Body ?? '',
    attributes: message.Attributes as unknown as SQSRecord['attributes'],
    messageAttributes: {},
    md5OfBody: message.MD5OfBody ?? '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:${region}:000000000000:${queueUrl.slice(queueUrl.lastIndexOf('/') + 1)}`,
    awsRegion: region,
  };
  return { Records: [record] };
}
