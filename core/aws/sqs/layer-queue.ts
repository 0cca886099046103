import type { SQSClientConfig } from '@aws-sdk/client-sqs';
import type { LayerMessage, LayerQueue } from '../../jobs/ports.ts';
import { MessageSender, type RefusedMessage } from './message-sender.ts';

/**
 * The layer queue on an SQS standard queue: layers need no order, and a message that is delivered
 * twice finds its lease taken.
 */
export class SqsLayerQueue implements LayerQueue {
  readonly #sender: MessageSender;

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(url: string, config: SQSClientConfig = {}) {
    this.#sender = new MessageSender(url, config);
  }

  send(messages: LayerMessage[]): Promise<RefusedMessage<LayerMessage>[]> {
    return this.#sender.send(
      messages.map((message) => ({ message, entry: { MessageBody: JSON.stringify(message) } })),
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
