import { setTimeout as sleep } from 'node:timers/promises';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SQSClient,
  type SQSClientConfig,
} from '@aws-sdk/client-sqs';
import { timeouts } from '../connection.ts';

/** SendMessageBatch takes at most this many messages. */
const batchSize = 10;
/**
 * Characters of all messages in a batch. SQS has accepted 1 MiB since 2025; emulators accept 256
 * KiB, as SQS did before. Our messages are ASCII.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
 */
const batchLength = 250_000;
/**
 * How many batches are sent at once. Order does not matter, since a job looks at the current state
 * when it runs.
 */
const batchesAtOnce = 8;
/** How often refused messages of a batch are sent again, and how long apart. */
const rounds = 3;
const pauseMs = 100;
/**
 * Together with the rounds: the sender gives up on a queue that does not answer well within a
 * webhook's ten seconds.
 */
const requestMs = 1_500;

/** A message and what is sent to SQS. */
export interface OutgoingMessage<Message> {
  message: Message;
  entry: Omit<SendMessageBatchRequestEntry, 'Id'> & { MessageBody: string };
}

/** A message that could not be sent. */
export interface RefusedMessage<Message> {
  message: Message;
  reason: string;
}

/** Sends messages to one SQS queue, ten per call, and sends refused ones again. */
export class MessageSender {
  readonly #client: SQSClient;
  readonly #url: string;

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(url: string, config: SQSClientConfig = {}) {
    this.#client = new SQSClient({ maxAttempts: 1, requestHandler: timeouts(requestMs), ...config });
    this.#url = url;
  }

  /** @returns the messages that could not be sent; empty when all are in the queue. */
  async send<Message>(messages: OutgoingMessage<Message>[]): Promise<RefusedMessage<Message>[]> {
    const refused: RefusedMessage<Message>[] = [];
    const batches = inBatches(messages);
    for (let start = 0; start < batches.length; start += batchesAtOnce) {
      const wave = batches.slice(start, start + batchesAtOnce);
      const left = (await Promise.all(wave.map((batch) => this.#sendBatch(batch)))).flat();
      refused.push(...left);
      const reason = left[0]?.reason;
      if (reason !== undefined && left.length === wave.flat().length) {
        // Nothing got through: the rest would wait just as long for the same result.
        const rest = batches.slice(start + batchesAtOnce).flat();
        refused.push(...rest.map(({ message }) => ({ message, reason })));
        break;
      }
    }
    return refused;
  }

  /** Deletes a received message; a message that is already gone is not an error. */
  async remove(receiptHandle: string): Promise<void> {
    await this.#client.send(new DeleteMessageCommand({ QueueUrl: this.#url, ReceiptHandle: receiptHandle }));
  }

  /**
   * Hides a received message for some seconds from now, instead of the queue's visibility timeout.
   * The other messages of its group wait just as long.
   */
  async hideFor(receiptHandle: string, seconds: number): Promise<void> {
    await this.#client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: this.#url,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: seconds,
      }),
    );
  }

  /**
   * How many messages the queue has, about: those that wait and those that are being worked on.
   * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
   */
  async count(): Promise<number> {
    const { Attributes = {} } = await this.#client.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.#url,
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    return Object.values(Attributes).reduce((sum, value) => sum + Number(value), 0);
  }

  close(): void {
    this.#client.destroy();
  }

  async #sendBatch<Message>(batch: OutgoingMessage<Message>[]): Promise<RefusedMessage<Message>[]> {
    let left = batch.map((outgoing) => ({ ...outgoing, reason: '' }));
    for (let round = 1; left.length > 0 && round <= rounds; round++) {
      if (round > 1) await sleep(pauseMs * 2 ** round * (0.5 + Math.random() / 2));
      try {
        const { Failed = [] } = await this.#client.send(
          new SendMessageBatchCommand({
            QueueUrl: this.#url,
            Entries: left.map(({ entry }, index) => ({ ...entry, Id: String(index) })),
          }),
        );
        left = Failed.flatMap((failure) => {
          const outgoing = left[Number(failure.Id)];
          return outgoing ? [{ ...outgoing, reason: `${failure.Code}: ${failure.Message ?? ''}` }] : [];
        });
      } catch (error) {
        const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        left = left.map((outgoing) => ({ ...outgoing, reason }));
      }
    }
    return left.map(({ message, reason }) => ({ message, reason }));
  }
}

function inBatches<Message>(messages: OutgoingMessage<Message>[]): OutgoingMessage<Message>[][] {
  const batches: OutgoingMessage<Message>[][] = [];
  let length = 0;
  for (const outgoing of messages) {
    const last = batches.at(-1);
    const own = outgoing.entry.MessageBody.length;
    if (last && last.length < batchSize && length + own <= batchLength) {
      last.push(outgoing);
      length += own;
    } else {
      batches.push([outgoing]);
      length = own;
    }
  }
  return batches;
}
