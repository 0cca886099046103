import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SqsLayerQueue } from '../../../core/aws/sqs/layer-queue.ts';
import type { LayerMessage } from '../../../core/jobs/ports.ts';
import type { LayerBlob } from '../../../core/jobs/record.ts';
import { newJobId } from '../../../core/jobs/record.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { parseLayerMessage } from '../../../lambda/layer/message.ts';
import { type LocalQueue, startQueue } from '../../../local/sqs.ts';

const blob = (i: number): LayerBlob => ({
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  digest: digestOf(Buffer.from(`layer ${i}`)),
  size: 1_000_000_000 + i,
});

/** The messages of an image with this many large layers. */
function messagesOf(count: number): LayerMessage[] {
  const layers = Array.from({ length: count }, (_, i) => blob(i));
  const job = newJobId();
  return layers.map((layer) => ({ job, layer, layers }));
}

describe('the layer queue on SQS', () => {
  let local: LocalQueue;
  let queue: SqsLayerQueue;
  beforeAll(async () => {
    local = await startQueue('eu-west-1');
    queue = new SqsLayerQueue(local.layerQueueUrl, {
      endpoint: local.endpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
  });
  afterEach(() => local.server.reset());
  afterAll(async () => {
    queue.close();
    await local.stop();
  });
  const waiting = () =>
    (local.server.inspectQueue('layer')?.messages.ready ?? []).map(({ body }) => parseLayerMessage(body));
  const byLayer = (messages: LayerMessage[]) =>
    [...messages].sort((a, b) => a.layer.digest.localeCompare(b.layer.digest));

  it('accepts a message for each layer, as the layer function reads it', async () => {
    const messages = messagesOf(23);
    expect(await queue.send(messages)).toEqual([]);
    expect(byLayer(waiting())).toEqual(byLayer(messages));
  });

  it('accepts images with so many layers that ten messages are too large for one call', async () => {
    const messages = messagesOf(200);
    expect(JSON.stringify(messages.slice(0, 10)).length).toBeGreaterThan(256 * 1024);
    expect(await queue.send(messages)).toEqual([]);
    expect(byLayer(waiting())).toEqual(byLayer(messages));
  });

  it('reports every message if the queue does not exist', async () => {
    const missing = new SqsLayerQueue(local.layerQueueUrl.replace(/layer$/, 'missing'), {
      endpoint: local.endpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const messages = messagesOf(2);
    const refused = await missing.send(messages);
    missing.close();
    expect(refused.map(({ message }) => message)).toEqual(messages);
    expect(refused[0]?.reason).toMatch(/QueueDoesNotExist/);
  });
});
