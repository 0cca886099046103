import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SendMessageBatchCommand, SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import type { JobQueue, QueuedMessage } from '../jobs/ports.ts';

/** SendMessageBatch takes at most this many messages. */
const batchSize = 10;
/** How often what a batch refused is sent again, and how long apart. */
const rounds = 3;
const pauseMs = 100;

/** The mirror queue on an SQS FIFO queue. */
export class SqsJobQueue implements JobQueue {
  readonly #client: SQSClient;
  readonly #url: string;

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(url: string, config: SQSClientConfig = {}) {
    this.#client = new SQSClient({ maxAttempts: 3, ...config });
    this.#url = url;
  }

  async send(messages: QueuedMessage[]): Promise<{ message: QueuedMessage; reason: string }[]> {
    const refused: { message: QueuedMessage; reason: string }[] = [];
    // Batches in turn: messages of one group keep their order.
    for (let start = 0; start < messages.length; start += batchSize) {
      refused.push(...(await this.#sendBatch(messages.slice(start, start + batchSize))));
    }
    return refused;
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
