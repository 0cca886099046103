import { createHash, randomUUID } from 'node:crypto';
import type { SQSClientConfig } from '@aws-sdk/client-sqs';
import type { JobQueue, QueuedMessage } from '../../jobs/ports.ts';
import { MessageSender, type RefusedMessage } from './message-sender.ts';

/** The mirror queue on an SQS FIFO queue. */
export class SqsJobQueue implements JobQueue {
  readonly #sender: MessageSender;

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(url: string, config: SQSClientConfig = {}) {
    this.#sender = new MessageSender(url, config);
  }

  send(messages: QueuedMessage[]): Promise<RefusedMessage<QueuedMessage>[]> {
    return this.#sender.send(
      messages.map((message) => ({
        message,
        entry: {
          MessageBody: JSON.stringify(message.body),
          MessageGroupId: groupId(message.group),
          // Unique: SQS's own deduplication would swallow a second, real push within five minutes.
          // Within one call, it keeps a retried request from queueing the message twice.
          MessageDeduplicationId: randomUUID(),
        },
      })),
    );
  }

  /** Lets a received message become visible again after some seconds. */
  hideFor(receiptHandle: string, seconds: number): Promise<void> {
    return this.#sender.hideFor(receiptHandle, seconds);
  }

  /** Deletes a received message. */
  remove(receiptHandle: string): Promise<void> {
    return this.#sender.remove(receiptHandle);
  }

  close(): void {
    this.#sender.close();
  }
}

/** Repository names can be longer than the 128 characters of a group id. */
function groupId(group: string): string {
  return createHash('sha256').update(group).digest('hex');
}
