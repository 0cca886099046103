import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DynamoUpstreamGate } from '../../../core/aws/dynamodb/upstream-gate.ts';
import { maxAttempts } from '../../../core/jobs/decide-retry.ts';
import { LayerJobs } from '../../support/layer-jobs.ts';
import { upstreamError } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

describe('a layer job that has to wait', () => {
  let jobs: LayerJobs;
  // A table for each: the gate of docker.io is shared by all.
  beforeEach(async () => {
    jobs = await LayerJobs.start();
  });
  afterEach(() => jobs.close());
  const image = (seed: string) => seededImage({ seed, layers: [{ size: 9_000 }, { size: 8_000 }] });
  const record = (job: string) => jobs.mirror.record({ job });
  const failing = (status: number, retryAfterMs: number) => {
    const error = upstreamError('UNAVAILABLE', { status, temporary: true, retryAfterMs });
    jobs.mirror.upstreamChanges = { blob: () => Promise.reject(error) };
  };

  it('parks its mirror job, which asks again for what is missing', async () => {
    const { job, messages } = await jobs.fannedOut(image('later'));
    failing(503, 90_000);
    const notBefore = '2026-04-01T12:01:30.000Z';
    expect(await jobs.run(messages[0])).toMatchObject({ state: 'waiting', notBefore });
    expect(await record(job)).toMatchObject({
      state: 'waiting',
      notBefore,
      attempts: 1,
      error: { code: 'UNAVAILABLE', side: 'upstream' },
    });
    expect(await jobs.mirror.parked()).toEqual([{ id: job, notBefore }]);
    expect(jobs.woken).toEqual([]);
    expect(jobs.layerQueue.sent).toEqual([]);
    // The lease is free for the next worker.
    jobs.mirror.upstreamChanges = {};
    expect(await jobs.run(messages[0])).toMatchObject({ state: 'carried' });
  });

  it('waits, without counting, for a layer that comes after its manifest', async () => {
    const { job, messages } = await jobs.fannedOut(image('behind its manifest'));
    const unknown = upstreamError('BLOB_UNKNOWN', { status: 404 });
    jobs.mirror.upstreamChanges = { blob: () => Promise.reject(unknown) };
    const notBefore = '2026-04-01T12:01:00.000Z';
    expect(await jobs.run(messages[0])).toMatchObject({ state: 'waiting', notBefore });
    expect((await record(job)).layerFailures).toBeUndefined();
    jobs.mirror.now = new Date(jobs.mirror.now.getTime() + 600_000);
    expect(await jobs.run(messages[1])).toMatchObject({ state: 'failed' });
  });

  it('counts the layers that fail in one round only once, and adds none to the attempts', async () => {
    const { job, messages } = await jobs.fannedOut(image('one round'));
    failing(503, 90_000);
    const waits = await Promise.all(messages.map((message) => jobs.run(message)));
    expect(waits).toMatchObject([{ state: 'waiting' }, { state: 'waiting' }]);
    expect(await record(job)).toMatchObject({ state: 'waiting', attempts: 1, layerFailures: 1 });
    await jobs.mirror.stores.jobs.begin(job, jobs.mirror.now.toISOString());
    await jobs.run(messages[0]);
    expect(await record(job)).toMatchObject({ state: 'waiting', layerFailures: 2 });
  });

  it('fails its image when too many rounds have failed', async () => {
    const { job, messages } = await jobs.fannedOut(image('used up'));
    await jobs.mirror.stores.jobs.update(job, { layerFailures: maxAttempts - 1 });
    failing(503, 0);
    vi.spyOn(jobs.mirror.stores.jobs, 'park');
    expect(await jobs.run(messages[0])).toMatchObject({ state: 'failed' });
    expect((await record(job)).state).toBe('failed');
    expect(jobs.mirror.stores.jobs.park).not.toHaveBeenCalled();
  });

  it('closes a registry that limits the rate, for all workers and without counting the round', async () => {
    const { job, messages } = await jobs.fannedOut(image('limited'));
    failing(429, 600_000);
    expect(await jobs.run(messages[0])).toMatchObject({ state: 'waiting' });
    const { notBefore = '' } = (await record(job)) ?? {};
    expect(await record(job)).toMatchObject({ state: 'waiting', attempts: 1 });
    expect((await record(job)).layerFailures).toBeUndefined();
    // Ten minutes, plus up to half a minute so that not all come back at once.
    const waits = Date.parse(notBefore) - jobs.mirror.now.getTime();
    expect(waits).toBeGreaterThanOrEqual(600_000);
    expect(waits).toBeLessThanOrEqual(630_000);
    const gate = new DynamoUpstreamGate(jobs.mirror.stores.table);
    expect(await gate.closedUntil('docker.io', jobs.mirror.now)).toEqual(new Date(notBefore));

    // Another layer is still copied: pull limits count manifests.
    jobs.mirror.upstreamChanges = {};
    expect(await jobs.run(messages[1])).toMatchObject({ state: 'carried', how: 'copied' });
  });

  it('asks a closed registry for nothing when the layer is present', async () => {
    const { key, job, messages } = await jobs.fannedOut(image('closed'));
    const gate = new DynamoUpstreamGate(jobs.mirror.stores.table);
    await gate.close('docker.io', new Date('2026-04-01T13:00:00.000Z'));
    for (const [digest, bytes] of jobs.mirror.upstream(key).blobs)
      jobs.mirror.mirror(key).blobs.set(digest, bytes);
    expect(await jobs.run(messages[0])).toEqual({ state: 'carried', how: 'present', complete: true });
    expect(jobs.woken).toEqual([job]);
  });

  it('also waits when the mirror cannot be asked at the end', async () => {
    const { job, messages } = await jobs.fannedOut(image('mirror down'));
    let asked = 0;
    jobs.mirror.mirrorChanges = {
      presentBlobs: async () => {
        asked += 1;
        if (asked === 1) return new Set();
        throw upstreamError('UNAVAILABLE', { status: 503, temporary: true });
      },
    };
    expect(await jobs.run(messages[0])).toMatchObject({ state: 'waiting' });
    expect(await record(job)).toMatchObject({ state: 'waiting', progress: { blobs: 1, bytes: 9_000 } });
  });
});
