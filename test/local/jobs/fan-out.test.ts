import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeadlineError } from '../../../core/jobs/deadline.ts';
import { queuedMs } from '../../../core/jobs/layers/layer-lease.ts';
import type { FanOut, LayerMessage } from '../../../core/jobs/ports.ts';
import type { JobMessage } from '../../../core/jobs/record.ts';
import { resendDue } from '../../../core/jobs/resend.ts';
import type { ImageKey } from '../../../core/mapping/record.ts';
import { chunks, stalling } from '../../support/byte-streams.ts';
import { LayerJobs } from '../../support/layer-jobs.ts';
import { gate, jobsConfig, upstreamError } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

describe('large layers that are handed out', () => {
  let jobs: LayerJobs;
  // A table for each: due jobs are looked for in all of it.
  beforeEach(async () => {
    jobs = await LayerJobs.start();
  });
  afterEach(() => jobs.close());

  const image = (seed: string) => seededImage({ seed, layers: [{ size: 9_000 }, { size: 8_000 }] });
  const fanOut = (): FanOut => ({ queue: jobs.layerQueue, leases: jobs.leases, minBytes: 5_000 });
  const mirrorRun = (message: JobMessage, signal?: AbortSignal) =>
    jobs.mirror.run(message, { fanOut: fanOut() }, signal);
  const taken = (): LayerMessage[] => jobs.layerQueue.sent.splice(0);
  const pass = (ms: number) => {
    jobs.mirror.now = new Date(jobs.mirror.now.getTime() + ms);
  };
  async function runDue() {
    const { queue, stores, now } = jobs.mirror;
    queue.sent = [];
    await resendDue({ config: jobsConfig, jobs: stores.jobs, queue }, now);
    for (const { body } of queue.sent.splice(0)) await mirrorRun(body);
  }
  const states = (messages: JobMessage[]) =>
    Promise.all(messages.map(async (message) => (await jobs.mirror.record(message)).state));

  it('are copied once for four tags of one image that come together', async () => {
    const built = image('four tags');
    const tags = ['1', '1.2', '1.2.3', 'latest'].map((tag) => jobs.mirror.key(tag, 'library/tags'));
    for (const key of tags) jobs.mirror.push(key, built);
    const reads: string[] = [];
    jobs.mirror.upstreamChanges = {
      blob: async (blob) => {
        reads.push(blob.digest);
        return chunks(jobs.mirror.upstream(tags[0] as ImageKey).blobs.get(blob.digest) as Uint8Array);
      },
    };
    const messages: JobMessage[] = [];
    for (const key of tags) messages.push(await jobs.mirror.job(key));
    for (const message of messages) expect(await mirrorRun(message)).toMatchObject({ state: 'copying' });
    const layers = taken();
    expect(layers).toHaveLength(2);
    for (const layer of layers) expect(await jobs.run(layer)).toMatchObject({ state: 'carried' });
    // The job that asked is woken; the others look by themselves.
    expect(jobs.woken).toEqual([messages[0]?.job]);
    for (const { body } of jobs.mirror.queue.sent.splice(0)) await mirrorRun(body);
    expect(await states(messages)).toEqual(['committed', 'copying', 'copying', 'copying']);
    pass(90_000);
    await runDue();
    expect(await states(messages)).toEqual(messages.map(() => 'committed'));
    for (const { digest } of built.layers) expect(reads.filter((read) => read === digest)).toHaveLength(1);
    const copied = await Promise.all(messages.map(jobs.mirror.record.bind(jobs.mirror)));
    expect(copied.map(({ transfer }) => transfer?.copied.bytes)).toEqual([
      17_000 + built.config.size,
      0,
      0,
      0,
    ]);
    expect(copied[1]?.transfer?.present).toEqual({ blobs: 3, bytes: 17_000 + built.config.size });
  });

  it('are requested once while they wait in the queue, and again after a quarter of an hour', async () => {
    const key = jobs.mirror.key();
    jobs.mirror.push(key, image('backlog'));
    await mirrorRun(await jobs.mirror.job(key));
    expect(taken()).toHaveLength(2);
    for (let waited = 0; waited < queuedMs - 90_000; waited += 90_000) {
      pass(90_000);
      await runDue();
    }
    expect(taken()).toEqual([]);
    pass(90_000);
    await runDue();
    expect(taken()).toHaveLength(2);
  });

  it('are requested again at once if the queue refused them', async () => {
    const key = jobs.mirror.key();
    jobs.mirror.push(key, image('refused'));
    const message = await jobs.mirror.job(key);
    jobs.layerQueue.refuses = true;
    await expect(mirrorRun(message)).rejects.toThrow('2 layers could not be queued: switched off');
    jobs.layerQueue.refuses = false;
    expect(await mirrorRun(message)).toMatchObject({ state: 'copying' });
    expect(taken()).toHaveLength(2);
  });

  it('are free for another job when the one that requested them is finished', async () => {
    const tags = ['a', 'b'].map((tag) => jobs.mirror.key(tag, 'library/finished'));
    for (const key of tags) jobs.mirror.push(key, image('finished'));
    const messages: JobMessage[] = [];
    for (const key of tags) messages.push(await jobs.mirror.job(key));
    for (const message of messages) await mirrorRun(message);
    await jobs.mirror.stores.jobs.update(messages[0]?.job ?? '', { state: 'failed' });
    for (const layer of taken()) expect(await jobs.run(layer)).toEqual({ state: 'gone' });
    pass(90_000);
    await runDue();
    expect(taken().map(({ job }) => job)).toEqual([messages[1]?.job, messages[1]?.job]);
  });

  it('stay as resolved when the time runs out while the rest is being copied, which happens afterwards', async () => {
    const first = image('resolved');
    const key = jobs.mirror.key();
    jobs.mirror.push(key, first);
    const message = await jobs.mirror.job(key);
    const { passed, open } = gate();
    jobs.mirror.upstreamChanges = {
      blob: async (_, options) => {
        open();
        return stalling(Buffer.alloc(1), options?.signal);
      },
    };
    const deadline = new AbortController();
    const running = mirrorRun(message, deadline.signal);
    await passed;
    deadline.abort(new DeadlineError());
    expect(await running).toMatchObject({ state: 'queued' });

    jobs.mirror.upstreamChanges = {};
    jobs.mirror.push(key, image('moved meanwhile'));
    expect(await mirrorRun(message)).toMatchObject({ state: 'copying' });
    for (const layer of taken()) await jobs.run(layer);
    expect(await mirrorRun(message)).toMatchObject({ state: 'committed' });
    expect(await jobs.mirror.mapping(key)).toMatchObject({ digest: first.manifest.digest });
    expect(jobs.mirror.mirror(key).blobs.has(first.config.digest)).toBe(true);
    expect(await jobs.mirror.record(message)).toMatchObject({
      state: 'committed',
      transfer: { copied: { blobs: 3, bytes: 17_000 + first.config.size } },
    });
  });

  it('count the attempts of the rest, which fails for now', async () => {
    const built = image('rest');
    const key = jobs.mirror.key();
    jobs.mirror.push(key, built);
    const message = await jobs.mirror.job(key);
    const down = upstreamError('UNAVAILABLE', { status: 503, temporary: true, retryAfterMs: 30_000 });
    jobs.mirror.upstreamChanges = { blob: () => Promise.reject(down) };
    expect(await mirrorRun(message)).toMatchObject({ state: 'waiting' });
    expect(await jobs.mirror.record(message)).toMatchObject({ attempts: 1, fannedOut: { layers: [{}, {}] } });
    expect(await mirrorRun(message)).toMatchObject({ state: 'copying' });
    expect(await jobs.mirror.record(message)).toMatchObject({ state: 'copying', attempts: 1 });
    jobs.mirror.upstreamChanges = {};
    for (const layer of taken()) await jobs.run(layer);
    expect(await mirrorRun(message)).toMatchObject({ state: 'committed' });
  });
});
