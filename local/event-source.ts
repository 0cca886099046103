import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import type { Invocable } from './watcher.ts';

export interface EventSourceOptions {
  endpoint: string;
  region: string;
  queueUrl: string;
  function: Invocable;
  /** Invocations at once; with a FIFO queue, no two have messages of the same group. */
  concurrency: number;
  /** The most messages of an invocation. */
  batchSize: number;
  log: NodeJS.WritableStream;
}

export interface EventSource {
  /** Stops taking messages; resolves when those in progress have ended or `withinMs` is over. */
  stop(withinMs: number): Promise<void>;
}

/**
 * Feeds a function from a queue, like Lambda's event source mapping with batch item failures.
 * Messages that the function reports as failed stay in the queue for the rest of their visibility
 * timeout. If the function itself fails or its answer makes no sense, the whole batch stays. All
 * other messages are deleted.
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
          MaxNumberOfMessages: options.batchSize,
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
    if (messages.length > 0) await deliver(client, options, messages, signal);
  }
}

async function deliver(
  client: SQSClient,
  options: EventSourceOptions,
  messages: Message[],
  signal: AbortSignal,
): Promise<void> {
  try {
    const event = { Records: messages.map((message) => toRecord(message, options)) };
    const answer = (await options.function.invoke(event)) as SQSBatchResponse | null;
    const done = doneOf(messages, answer);
    if (done.length > 0)
      await client.send(
        new DeleteMessageBatchCommand({
          QueueUrl: options.queueUrl,
          Entries: done.map(({ ReceiptHandle }, index) => ({ Id: `${index}`, ReceiptHandle })),
        }),
      );
  } catch (error) {
    if (signal.aborted) return; // stopped midway: the messages stay, and the jobs' records say they are unfinished
    options.log.write(`the ${options.function.name} function failed: ${(error as Error).message}\n`);
  }
}

/**
 * The messages that Lambda deletes. An identifier that is not in the batch makes it keep all of
 * them.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 */
function doneOf(messages: Message[], answer: SQSBatchResponse | null): Message[] {
  const failed = new Set(answer?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier));
  const known = new Set(messages.map(({ MessageId }) => MessageId));
  if ([...failed].some((id) => !known.has(id))) return [];
  return messages.filter(({ MessageId }) => !failed.has(MessageId ?? ''));
}

function toRecord(message: Message, { queueUrl, region }: EventSourceOptions): SQSRecord {
  return {
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
}
