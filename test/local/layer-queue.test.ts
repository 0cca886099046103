import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqsLayerQueue } from '../../core/aws/sqs/layer-queue.ts';
import type { LayerMessage } from '../../core/jobs/ports.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

describe('the layer queue of the local stack', () => {
  let pipeline: Pipeline;
  let layers: SqsLayerQueue;
  beforeAll(async () => {
    pipeline = await startPipeline({ retrySeconds: 0 });
    const { endpoint, layerQueueUrl } = pipeline.stack.queue;
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const config = { endpoint, region: 'eu-west-1', credentials };
    layers = new SqsLayerQueue(layerQueueUrl, config);
  });
  afterAll(async () => {
    layers.close();
    await pipeline[Symbol.asyncDispose]();
  });
  const waiting = (name: string) => pipeline.stack.queue.server.inspectQueue(name)?.messages.ready ?? [];

  /** A waiting job, like one whose large layers are on their way. */
  const waitingJob = async (repository: string, tag: string): Promise<string> => {
    const end = pipeline.upstream.faults.add({
      match: { path: '/manifests/' },
      action: { kind: 'status', status: 503, headers: { 'retry-after': '3600' } },
    });
    const answer = await pipeline.github(repository, tag);
    const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
    const { id } = await pipeline.jobIn(accepted[0]?.job ?? '', 'waiting');
    end();
    return id;
  };

  it('feeds the layer function, which copies layers and wakes their job', async () => {
    const image = seededImage({ seed: 'layers', layers: [{ size: 90_000 }, { size: 80_000 }] });
    await pipeline.push('acme/layers', '1', image);
    const id = await waitingJob('acme/layers', '1');
    const [layer, second] = image.layers;
    if (!layer || !second) throw new Error('the image has two layers');
    const messages: LayerMessage[] = [layer, second].map((one) => ({
      job: id,
      layer: one,
      layers: [layer, second],
    }));
    expect(await layers.send(messages)).toEqual([]);

    const job = await pipeline.jobIn(id, 'committed');
    expect(job.transfer).toMatchObject({ copied: { blobs: 1 }, present: { blobs: 2, bytes: 170_000 } });
    expect(pipeline.stack.registry.tag('mirror/ghcr.io/acme/layers', '1')).toBe(image.manifest.digest);
    expect(waiting('layer')).toEqual([]);
  });

  it('moves what is not a layer job to its dead-letter queue after five times', async () => {
    await layers.send([{ what: 'no layer' } as unknown as LayerMessage]);
    const dead = () => waiting('layer-dead-letters').map(({ body }) => body);
    await expect.poll(dead, { timeout: 20_000 }).toEqual(['{"what":"no layer"}']);
    expect(pipeline.logs()).toContain('the message is not a layer job');
  });
});
