import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { maxAttempts } from '../../../core/jobs/decide-retry.ts';
import { enqueue } from '../../../core/jobs/enqueue.ts';
import type { JobMessage } from '../../../core/jobs/record.ts';
import { resendDue } from '../../../core/jobs/resend.ts';
import type { ImageKey } from '../../../core/mapping/record.ts';
import { chunks } from '../../support/byte-streams.ts';
import { LayerJobs } from '../../support/layer-jobs.ts';
import { jobsConfig, upstreamError } from '../../support/mirror-jobs.ts';
import { type SeededImage, seededImage } from '../../support/seeded-image.ts';

describe('mirror jobs and layer jobs, hour after hour', () => {
  let jobs: LayerJobs;
  beforeEach(async () => {
    jobs = await LayerJobs.start();
  });
  afterEach(() => jobs.close());

  const image = (seed: string) => seededImage({ seed, layers: [{ size: 9_000 }, { size: 8_000 }] });
  const resendDeps = () => ({
    config: jobsConfig,
    jobs: jobs.mirror.stores.jobs,
    queue: jobs.mirror.queue,
    mappings: jobs.mirror.stores.mappings,
    now: () => jobs.mirror.now,
  });
  const mirrorRun = (message: JobMessage) =>
    jobs.mirror.run(message, {
      fanOut: { queue: jobs.layerQueue, leases: jobs.leases, minBytes: 5_000 },
    });

  /** One layer cannot be read for now; each attempt gets this answer. */
  function failingLayer(key: ImageKey, { layers: [layer] }: SeededImage, status: number) {
    const reads = { failed: 0 };
    jobs.mirror.upstreamChanges = {
      blob: async (blob) => {
        if (blob.digest !== layer?.digest)
          return chunks(jobs.mirror.upstream(key).blobs.get(blob.digest) as Uint8Array);
        reads.failed += 1;
        // Longer than a job waits in place.
        throw upstreamError('UNAVAILABLE', { status, temporary: true, retryAfterMs: 11_000 });
      },
    };
    return reads;
  }

  /** Runs everything as it comes, with the schedule every `step` minutes, until the job fails. */
  async function follow(id: string, minutes: number, step = 1) {
    const runs = { mirror: 0, layer: 0, mostParked: 0, minutes: 0 };
    for (; runs.minutes < minutes; runs.minutes += step) {
      await resendDue(resendDeps(), jobs.mirror.now);
      while (jobs.mirror.queue.sent.length > 0 || jobs.layerQueue.sent.length > 0) {
        const message = jobs.mirror.queue.sent.shift();
        if (message) await mirrorRun(message.body);
        const layer = jobs.layerQueue.sent.shift();
        if (layer) await jobs.run(layer);
        runs.mirror += message ? 1 : 0;
        runs.layer += layer ? 1 : 0;
      }
      if ((await jobs.mirror.record({ job: id })).state === 'failed') break;
      runs.mostParked = Math.max(runs.mostParked, (await jobs.mirror.parked()).length);
      jobs.mirror.now = new Date(jobs.mirror.now.getTime() + step * 60_000);
    }
    return runs;
  }

  it('fail an image whose layer fails for now each time, after as many rounds as any job has', async () => {
    const built = image('never');
    const key = jobs.mirror.key();
    jobs.mirror.push(key, built);
    const reads = failingLayer(key, built, 503);
    const [job] = await enqueue([{ key }], 'webhook', resendDeps());
    const runs = await follow(job?.id ?? '', 400);

    expect(await jobs.mirror.record({ job: job?.id ?? '' })).toMatchObject({
      state: 'failed',
      layerFailures: maxAttempts,
      error: { code: 'UNAVAILABLE', message: expect.stringContaining('given up after 12 attempts') },
    });
    expect(reads.failed).toBe(maxAttempts);
    expect(runs.layer).toBe(maxAttempts + 1);
    // One run per round, and the outbox's note.
    expect(runs.mirror).toBeLessThanOrEqual(maxAttempts + 2);
    // The note of the wait, those of the looks that it replaced, and the outbox's.
    expect(runs.mostParked).toBeLessThanOrEqual(4);
    expect(runs.minutes).toBeGreaterThan(100);
  });

  it('fail an image whose layer is rate limited for a day', async () => {
    const built = image('limited for ever');
    const key = jobs.mirror.key();
    jobs.mirror.push(key, built);
    const reads = failingLayer(key, built, 429);
    const [job] = await enqueue([{ key }], 'webhook', resendDeps());
    const runs = await follow(job?.id ?? '', 25 * 60, 10);

    expect(await jobs.mirror.record({ job: job?.id ?? '' })).toMatchObject({
      state: 'failed',
      error: { code: 'too_slow', side: 'drayage' },
    });
    expect(runs.minutes).toBeGreaterThan(24 * 60);
    expect(reads.failed).toBeLessThanOrEqual(runs.minutes / 10);
    expect(runs.mirror).toBeLessThanOrEqual(runs.minutes / 10 + 2);
    expect(runs.mostParked).toBeLessThanOrEqual(4);
  }, 60_000);

  it('do not shorten the wait of a layer that failed while its mirror job was still running', async () => {
    const built = image('meanwhile');
    const key = jobs.mirror.key();
    jobs.mirror.push(key, built);
    failingLayer(key, built, 503);
    const config = built.config.digest;
    const failing = jobs.mirror.upstreamChanges.blob;
    jobs.mirror.upstreamChanges.blob = async (blob, options) => {
      if (blob.digest === config) await jobs.run(jobs.layerQueue.sent[0]);
      return await (failing as NonNullable<typeof failing>)(blob, options);
    };
    const message = await jobs.mirror.job(key);
    expect(await mirrorRun(message)).toMatchObject({ state: 'waiting' });
    const record = await jobs.mirror.record(message);
    expect(record).toMatchObject({ state: 'waiting', layerFailures: 1, fannedOut: { layers: [{}, {}] } });
    expect(await jobs.mirror.parked()).toEqual([{ id: message.job, notBefore: record.notBefore }]);
  });
});
