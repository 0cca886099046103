import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createFunctions } from '../../local/functions.ts';
import { startHttpApi } from '../../local/http-api.ts';
import { endOfJobs, looksByTag, pushBurst, sendBurst } from '../support/burst.ts';
import { startCutProxy } from '../support/cut-proxy.ts';
import { startPipeline } from '../support/pipeline.ts';

const withinMs = 150_000;

describe('a burst of webhooks', { timeout: 2 * withinMs }, () => {
  it('is in the queue as far as it was answered 202, and its duplicates ask nobody', async () => {
    await using pipeline = await startPipeline();
    const tags = 40;
    await pushBurst(pipeline, tags);
    pipeline.upstream.clearRequests();
    const answered = await sendBurst(pipeline, {
      deliveries: 800,
      connections: 50,
      tags,
      tellDigest: true,
    });
    expect(answered.map(({ status }) => status)).toEqual(Array(800).fill(202));

    const ids = answered.flatMap(({ jobs }) => jobs);
    expect(new Set(ids).size).toBe(800);
    const jobs = await endOfJobs(pipeline, ids, withinMs);
    const states = jobs.map(({ state }) => state);
    expect(new Set(states)).toEqual(new Set(['committed', 'satisfied']));
    const looks = looksByTag(pipeline.upstream.requests);
    expect(looks.size).toBe(tags);
    // Its first event, and the later look if a minute has passed.
    expect(Math.max(...looks.values())).toBeLessThanOrEqual(2);
    for (const { image } of answered.slice(0, tags)) expect(await pipeline.mapping(image)).toBeDefined();
  });

  it('that loses the queue is answered 202 for what is in the queue, and 503 for the rest', async () => {
    await using pipeline = await startPipeline({ scheduleMs: 3_600_000 }); // nothing is sent again
    const proxy = await startCutProxy(pipeline.stack.queue.endpoint);
    const { webhook } = createFunctions(
      {
        ...pipeline.stack.environment,
        AWS_ENDPOINT_URL_SQS: proxy.url,
        DRAYAGE_QUEUE_URL: pipeline.stack.queue.queueUrl.replace(pipeline.stack.queue.endpoint, proxy.url),
      },
      { mirror: 1, layer: 1 },
      new PassThrough().resume(),
    );
    const api = await startHttpApi(() => webhook, 0, process.stderr);
    try {
      const tags = 40;
      await pushBurst(pipeline, tags);
      let cutAt = 0;
      const answered = await sendBurst(pipeline, {
        deliveries: 400,
        connections: 50,
        tags,
        tellDigest: true,
        api: api.url,
        onAnswer(count) {
          if (count !== 150) return;
          proxy.cut();
          cutAt = performance.now();
          void sleep(1_500).then(() => proxy.mend());
        },
      });
      expect(cutAt).toBeGreaterThan(0);
      const taken = answered.filter(({ status }) => status === 202);
      const refused = answered.filter(({ status }) => status === 503);
      expect(taken.length + refused.length).toBe(400);
      expect(taken.length).toBeGreaterThan(150);
      expect(refused.length).toBeGreaterThan(0);
      const jobs = await endOfJobs(
        pipeline,
        taken.flatMap(({ jobs }) => jobs),
        withinMs,
      );
      expect(jobs).toHaveLength(taken.length);
      expect(new Set(jobs.map(({ state }) => state))).toEqual(new Set(['committed', 'satisfied']));
    } finally {
      await api.close();
      await webhook.stop();
      await proxy.stop();
    }
  });
});
