import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ChangeMessageVisibilityCommand,
  SendMessageBatchCommand,
  SQSClient,
  type SQSClientConfig,
} from '@aws-sdk/client-sqs';
import type { JobQueue, QueuedMessage } from '../jobs/ports.ts';
import { timeouts } from './connection.ts';

/** SendMessageBatch takes at most this many messages. */
const batchSize = 10;
/** How many batches are under way at once; order does not matter, since a job looks at what is there when it runs. */
const batchesAtOnce = 8;
/** How often what a batch refused is sent again, and how long apart. */
const rounds = 3;
const pauseMs = 100;
/** With the rounds: a queue that does not answer is given up well within a webhook's ten seconds. */
const requestMs = 1_500;

/** The mirror queue on an SQS FIFO queue. */
export class SqsJobQueue implements JobQueue {
  readonly #client: SQSClient;
  readonly #url: string;

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(url: string, config: SQSClientConfig = {}) {
    this.#client = new SQSClient({ maxAttempts: 1, requestHandler: timeouts(requestMs), ...config });
    this.#url = url;
  }

  async send(messages: QueuedMessage[]): Promise<{ message: QueuedMessage; reason: string }[]> {
    const refused: { message: QueuedMessage; reason: string }[] = [];
    const wave = batchSize * batchesAtOnce;
    for (let start = 0; start < messages.length; start += wave) {
      const batches: QueuedMessage[][] = [];
      for (let at = start; at < Math.min(start + wave, messages.length); at += batchSize) {
        batches.push(messages.slice(at, at + batchSize));
      }
      const left = (await Promise.all(batches.map((batch) => this.#sendBatch(batch)))).flat();
      refused.push(...left);
      const reason = left[0]?.reason;
      if (reason !== undefined && left.length === batches.flat().length) {
        // Nothing got through: the rest would only wait as long for the same.
        refused.push(...messages.slice(start + wave).map((message) => ({ message, reason })));
        break;
      }
    }
    return refused;
  }

  /**
   * Lets a received message come again after some seconds instead of the queue's visibility timeout, which is half an hour
   * and would hold up the message's group as long.
   */
  async retryIn(receiptHandle: string, seconds: number): Promise<void> {
    await this.#client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: this.#url,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: seconds,
      }),
    );
  }

  close(): void {
    this.#client.destroy();
  }

  async #sendBatch(batch: QueuedMessage[]): Promise<{ message: QueuedMessage; reason: string }[]> {
    let left = batch.map((message) => ({ message, reason: '', deduplicationId: randomUUID() }));
    for (let round = 1; left.length > 0 && round <= rounds; round++) {
      if (round > 1) await sleep(pauseMs * 2 ** round * (0.5 + Math.random() / 2));
      try {
        const { Failed = [] } = await this.#client.send(
          new SendMessageBatchCommand({
            QueueUrl: this.#url,
            Entries: left.map(({ message, deduplicationId }, index) => ({
              Id: String(index),
              MessageBody: JSON.stringify(message.body),
              MessageGroupId: groupId(message.group),
              // Unique: SQS's own deduplication would swallow a second, real push within five minutes. Within one
              // call it keeps a retried request from queueing the message twice.
              MessageDeduplicationId: deduplicationId,
            })),
          }),
        );
        left = Failed.flatMap((failure) => {
          const entry = left[Number(failure.Id)];
          return entry ? [{ ...entry, reason: `${failure.Code}: ${failure.Message ?? ''}` }] : [];
        });
      } catch (error) {
        const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        left = left.map((entry) => ({ ...entry, reason }));
      }
    }
    return left.map(({ message, reason }) => ({ message, reason }));
  }
}

/** Repository names can be longer than the 128 characters of a group id. */
function groupId(group: string): string {
  return createHash('sha256').update(group).digest('hex');
}
