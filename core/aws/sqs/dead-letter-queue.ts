import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
  type SQSClientConfig,
} from '@aws-sdk/client-sqs';
import type { DeadLetter, DeadLetterQueue } from '../../jobs/recovery/dead-letters.ts';
import { timeouts } from '../connection.ts';

/** How long a received message is hidden, seconds: until about the schedule's next call. */
const hiddenSeconds = 50;
/** ReceiveMessage returns at most this many. */
const batchSize = 10;
const requestMs = 5_000;

/** A dead-letter queue on SQS. */
export class SqsDeadLetterQueue implements DeadLetterQueue {
  readonly #client: SQSClient;
  readonly #url: string;

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(url: string, config: SQSClientConfig = {}) {
    this.#client = new SQSClient({ requestHandler: timeouts(requestMs), ...config });
    this.#url = url;
  }

  async receive(): Promise<DeadLetter[]> {
    const { Messages = [] } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#url,
        MaxNumberOfMessages: batchSize,
        VisibilityTimeout: hiddenSeconds,
        WaitTimeSeconds: 0,
      }),
    );
    return Messages.map(({ MessageId = '', Body = '', ReceiptHandle }) => ({
      id: MessageId,
      body: Body,
      remove: async () => {
        await this.#client.send(new DeleteMessageCommand({ QueueUrl: this.#url, ReceiptHandle }));
      },
    }));
  }

  close(): void {
    this.#client.destroy();
  }
}
