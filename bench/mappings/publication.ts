import { join } from 'node:path';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startPipeline } from '../../test/support/pipeline.ts';
import { seededImage } from '../../test/support/seeded-image.ts';
import { bundle } from '../bundle.ts';
import { deliveryEvent } from '../cold-start.ts';
import { startCountingProxy, type TableUse } from './counting-proxy.ts';
import { startFunction } from './function.ts';

/** What one push asks of the table. */
export interface PublicationUse {
  /** By the webhook function. */
  webhook: TableUse;
  /** By the mirror function: a tag that moves to another image. */
  mirror: TableUse;
}

const [repository, tag] = ['acme/published', '1'];

/** Mirrors an image and a newer one under the same tag, and counts what the second one takes. */
export async function measurePublication(folder: string): Promise<PublicationUse> {
  // Its queue is left to this process.
  await using pipeline = await startPipeline({ mirrorInstances: 0, snapshotMs: 3_600_000 });
  const { environment, ready } = pipeline.stack;
  await using proxy = await startCountingProxy(environment.AWS_ENDPOINT_URL_DYNAMODB ?? '');
  const counted = { ...environment, AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint };
  const start = async (name: string) =>
    startFunction(await bundle(join('lambda', name, 'handler.ts'), folder, name), counted);
  await using webhook = await start('webhook');
  await using mirror = await start('mirror');
  const sqs = new SQSClient({
    endpoint: environment.AWS_ENDPOINT_URL_SQS ?? '',
    region: environment.AWS_REGION ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const delivery = deliveryEvent(ready.webhooks.github?.secret ?? '', repository, tag);
  let use: PublicationUse | undefined;
  try {
    for (const seed of ['first', 'second']) {
      await pipeline.push(repository, tag, seededImage({ seed, layers: [{ size: 10_000 }] }));
      proxy.take();
      await webhook.invoke(delivery);
      const webhookUse = proxy.take();
      const received = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: ready.queue,
          WaitTimeSeconds: 10,
          MessageSystemAttributeNames: ['All'],
        }),
      );
      const [message] = received.Messages ?? [];
      if (!message) throw new Error('the mirror queue is empty');
      const record = {
        messageId: message.MessageId,
        receiptHandle: message.ReceiptHandle,
        body: message.Body,
        attributes: message.Attributes,
      };
      await mirror.invoke({ Records: [record] });
      await sqs.send(
        new DeleteMessageCommand({ QueueUrl: ready.queue, ReceiptHandle: message.ReceiptHandle }),
      );
      const published = await pipeline.mapping(`ghcr.io/${repository}:${tag}`);
      if (published?.revision !== (seed === 'first' ? 1 : 2)) throw new Error('the image was not published');
      use = { webhook: webhookUse, mirror: proxy.take() };
    }
  } finally {
    sqs.destroy();
  }
  if (use === undefined) throw new Error('nothing was published');
  return use;
}
