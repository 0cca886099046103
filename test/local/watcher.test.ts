import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobRecord } from '../../core/jobs/record.ts';
import type { Delivery } from '../../local/watcher.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

describe('a watcher of the local stack', () => {
  const deliveries: Delivery[] = [];
  const jobs: JobRecord[] = [];
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({
      fanOutBytes: 1_000,
      watcher: { delivery: (each) => deliveries.push(each), job: (each) => jobs.push(each) },
    });
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  it('is told of each delivery, and once of each job’s end', async () => {
    const image = seededImage({
      seed: 'watched',
      layers: [{ size: 5_000 }, { size: 6_000 }, { size: 7_000 }],
    });
    const { id } = await pipeline.mirror('acme/shop', '1.0', image);
    await expect.poll(() => jobs.length, { timeout: 10_000 }).toBe(1);
    expect(jobs[0]).toMatchObject({ id, state: 'committed', transfer: { copied: { blobs: 4 } } });
    await pipeline.github('acme/shop', '2.0-rc1');
    await pipeline.post('/webhooks/hub/wrong', {});
    expect(deliveries).toEqual([
      { name: 'github', status: 202, accepted: [{ image: 'ghcr.io/acme/shop:1.0', job: id }], ignored: [] },
      {
        name: 'github',
        status: 202,
        accepted: [],
        ignored: [{ image: 'ghcr.io/acme/shop:2.0-rc1', reason: expect.stringContaining('not_configured') }],
      },
      { name: 'hub', status: 404, code: 'not_found' },
    ]);
  });

  it('is told once that a job failed when its layers did', async () => {
    jobs.length = 0;
    const image = seededImage({ seed: 'broken', layers: [{ size: 5_000 }, { size: 6_000 }] });
    await pipeline.push('acme/broken', '1.0', image);
    pipeline.upstream.faults.add({
      match: { method: 'GET', path: '/blobs/' },
      action: { kind: 'status', status: 403 },
    });
    await pipeline.github('acme/broken', '1.0');
    await expect.poll(() => jobs.map(({ state }) => state), { timeout: 10_000 }).toEqual(['failed']);
  });
});
