import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { drayage } from '../support/drayage.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const holdSeconds = 2;

/**
 * The queue's own visibility timeout is 900 s: nothing here would end in time if the function did
 * not lower it.
 */
describe('a function that dies silently', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({ holdSeconds, retrySeconds: 0, mirrorInstances: 1 });
  });
  afterEach(() => pipeline.upstream.faults.clear());
  afterAll(() => pipeline[Symbol.asyncDispose]());

  /** The attempt has its plan, and has asked for its blobs. */
  const underWay = async (id: string, attempts: number) => {
    const state = async () => {
      const { progress, attempts: now } = await pipeline.job(id);
      return progress !== undefined && now >= attempts;
    };
    await expect.poll(state, { timeout: 20_000 }).toBe(true);
    await sleep(500);
  };
  const deadLetters = () => {
    const messages = pipeline.stack.queue.server.inspectQueue('mirror-dead-letters.fifo')?.messages;
    return [...(messages?.ready ?? []), ...(messages?.inflight ?? [])];
  };
  const begun = async (tag: string) => {
    const { accepted } = (await (await pipeline.github('acme/dies', tag)).json()) as {
      accepted: { job: string }[];
    };
    const id = accepted[0]?.job ?? '';
    await underWay(id, 1);
    return id;
  };

  it('blocks its repository for the time that it set itself, and then its job continues', async () => {
    const image = seededImage({ seed: 'dies', layers: [{ size: 400_000 }] });
    await pipeline.push('acme/dies', '1', image);
    pipeline.upstream.faults.add({ match: { path: '/blobs/', times: 1 }, action: { kind: 'stall' } });
    const id = await begun('1');
    await pipeline.stack.functions.mirror.crash();
    expect(await pipeline.jobIn(id, 'committed')).toMatchObject({ attempts: 2 });
  });

  it('keeps the message of a job that takes longer than that', async () => {
    const image = seededImage({ seed: 'slow', layers: [{ size: 400_000 }] });
    await pipeline.push('acme/dies', '2', image);
    const delayMs = holdSeconds * 2_500;
    pipeline.upstream.faults.add({ match: { path: '/blobs/', times: 1 }, action: { kind: 'slow', delayMs } });
    const id = await begun('2');
    expect(await pipeline.jobIn(id, 'committed')).toMatchObject({ attempts: 1 });
  });

  it('six times fails its job, and the repository’s next image is mirrored; redrive tries it again', async () => {
    const image = seededImage({ seed: 'poison', layers: [{ size: 400_000 }] });
    await pipeline.push('acme/dies', '3', image);
    const off = pipeline.upstream.faults.add({ match: { path: '/blobs/' }, action: { kind: 'stall' } });
    const id = await begun('3');
    for (let crash = 1; crash <= 6; crash += 1) {
      await underWay(id, crash);
      await pipeline.stack.functions.mirror.crash();
    }
    off();
    const job = await pipeline.mirror(
      'acme/dies',
      '4',
      seededImage({ seed: 'next', layers: [{ size: 9_000 }] }),
    );
    expect(job.state).toBe('committed');
    // The queue moves the message once its last receive has timed out; nobody waits for that.
    await expect.poll(deadLetters, { timeout: 20_000 }).toHaveLength(1);
    await pipeline.stack.functions.schedule.invoke({ time: new Date().toISOString() });
    expect(await pipeline.job(id)).toMatchObject({
      state: 'failed',
      attempts: 6,
      error: { code: 'crashed', side: 'drayage', message: expect.stringContaining('6 attempts') },
    });
    expect(deadLetters()).toEqual([]);

    const env = { ...process.env, DRAYAGE_API: pipeline.api, DRAYAGE_TOKEN: '' };
    const again = await drayage(['redrive', '--since', '1h'], { env });
    expect(again).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ghcr\.io\/acme\/dies:3 +committed/),
    });
    const second = await drayage(['redrive'], { env });
    expect(second).toMatchObject({ code: 0, stdout: '' });
    expect(second.stderr).toBe(
      `ghcr.io/acme/dies:3: job ${id} is not tried again: mirrored: a later job has mirrored the image\nno failed jobs to try again\n`,
    );
    const wrong = await pipeline.post('/v1/jobs/redrive', { state: 'committed' });
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { error: { code: 'invalid_request' } }]);
  });
});

describe('a function that dies with the same job each time', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({ holdSeconds: 5, retrySeconds: 0, mirrorInstances: 2 });
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());
  const image = (seed: string, size = 9_000) => seededImage({ seed, layers: [{ size }] });
  const queued = async (tag: string): Promise<string> => {
    const answer = await pipeline.github('acme/dies', tag);
    const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
    return accepted[0]?.job ?? '';
  };
  const hasBegun = (id: string, attempts: number) =>
    expect
      .poll(async () => (await pipeline.job(id)).attempts, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(attempts);

  it('holds up the other images of the repository once', async () => {
    const poison = image('holds up', 400_000);
    await pipeline.push('acme/dies', '1', poison);
    const off = pipeline.upstream.faults.add({
      match: { path: `/blobs/${poison.layers[0]?.digest}` },
      action: { kind: 'stall' },
    });
    const id = await queued('1');
    await hasBegun(id, 1);
    const waiting: string[] = [];
    for (const tag of ['2', '3']) {
      await pipeline.push('acme/dies', tag, image(tag));
      waiting.push(await queued(tag));
    }
    await pipeline.stack.functions.mirror.crash();
    for (const job of waiting) await pipeline.jobIn(job, 'committed');
    // It is at it again, in a group of its own: nobody waits for it any more.
    await hasBegun(id, 2);
    expect(await pipeline.mirror('acme/dies', '4', image('4'))).toMatchObject({ state: 'committed' });
    expect(await pipeline.job(id)).toMatchObject({ state: 'copying' });
    off();
    await pipeline.stack.functions.mirror.crash();
    await pipeline.jobIn(id, 'committed');
  });
});
