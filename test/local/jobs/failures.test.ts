import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { maxAttempts } from '../../../core/jobs/decide-retry.ts';
import { presentJob } from '../../../core/jobs/record.ts';
import { chunks, inChunks } from '../../support/byte-streams.ts';
import { MirrorJobs, upstreamError } from '../../support/mirror-jobs.ts';
import { seededImage, seededIndex } from '../../support/seeded-image.ts';

describe('a mirror job that fails', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => jobs.reset());
  afterEach(async () => {
    for (const parked of await jobs.parked()) await jobs.stores.jobs.unpark(parked);
  });
  afterAll(() => jobs.close());
  const image = (seed: string) => seededImage({ seed, layers: [{ size: 9_000 }, { size: 800 }] });

  it('fails at once, with the reason, when upstream does not have the requested image', async () => {
    const message = await jobs.job(jobs.key('gone'), 'request');
    expect(await jobs.run(message)).toMatchObject({ state: 'failed' });
    expect(await jobs.record(message)).toMatchObject({
      state: 'failed',
      attempts: 1,
      finishedAt: '2026-04-01T12:00:00.000Z',
      error: { code: 'MANIFEST_UNKNOWN', side: 'upstream', remedy: 'check that the tag or digest exists' },
    });
    expect(await jobs.parked()).toEqual([]);
    // The message comes once more: nothing happens.
    expect(await jobs.run(message)).toEqual({ state: 'gone' });
  });

  it('fails when no rule names it, without asking upstream', async () => {
    const key = jobs.key('latest', 'httpd/unnamed');
    jobs.push(key, image('unmirrored'));
    const message = await jobs.job(key);
    const nobody = vi.fn();
    expect(await jobs.run(message, { openUpstream: nobody })).toMatchObject({ state: 'failed' });
    expect((await jobs.record(message)).error).toMatchObject({ code: 'not_configured', side: 'drayage' });
    expect(nobody).not.toHaveBeenCalled();
    expect(await jobs.mapping(key)).toBeUndefined();
  });

  it('is satisfied, with the reason, when newer tags have taken the place of its own', async () => {
    const key = jobs.key('1.1.0', 'library/newest');
    for (const reference of ['1.1.0', '1.2.0', '1.3.0']) jobs.push({ ...key, reference }, image(reference));
    const old = await jobs.job(key);
    expect(await jobs.run(old)).toMatchObject({ state: 'satisfied' });
    const record = await jobs.record(old);
    expect(record).toMatchObject({ state: 'satisfied', reason: { code: 'not_selected' } });
    expect(record.error).toBeUndefined();
    expect(presentJob(record)).toMatchObject({
      reason: { code: 'not_selected', message: '1.1.0 is not among the newest 2 tags of its rule' },
    });
    expect(await jobs.mapping(old.image)).toBeUndefined();
    expect(await jobs.run(await jobs.job({ ...key, reference: '1.2.0' }))).toMatchObject({
      state: 'committed',
    });
  });

  it('fails, and is not retried forever, when the image has none of the rule’s platforms', async () => {
    const key = jobs.key('windows', 'library/filtered');
    jobs.push(
      key,
      seededIndex({ seed: 'w', layers: [], platforms: [{ os: 'windows', architecture: 'amd64' }] }),
    );
    const message = await jobs.job(key);
    expect(await jobs.run(message)).toMatchObject({ state: 'failed' });
    expect((await jobs.record(message)).error).toMatchObject({
      code: 'NO_MATCHING_PLATFORM',
      side: 'upstream',
    });
  });

  it('commits nothing and keeps the mapping as it was when a blob is not what it should be', async () => {
    const key = jobs.key();
    const before = image('sound');
    await jobs.mirrored(key, before);
    const mapped = await jobs.mapping(key);
    const bad = image('damaged');
    jobs.push(key, bad);
    const [layer] = bad.layers;
    jobs.upstreamChanges = {
      blob: async (blob) => {
        const bytes = jobs.upstream(key).blobs.get(blob.digest) as Uint8Array;
        return blob.digest === layer?.digest ? chunks(bytes.map((byte) => byte ^ 1)) : inChunks(bytes);
      },
    };
    const message = await jobs.job(key);
    expect(await jobs.run(message)).toMatchObject({ state: 'failed' });

    expect((await jobs.record(message)).error).toMatchObject({ code: 'DIGEST_INVALID', side: 'upstream' });
    expect(await jobs.mapping(key)).toEqual(mapped);
    expect(jobs.mirror(key).tags.get('latest')).toBe(before.manifest.digest);
    expect(jobs.mirror(key).manifests.has(bad.manifest.digest)).toBe(false);
    expect(jobs.mirror(key).blobs.has(layer?.digest as never)).toBe(false);
  });

  it('waits after a temporary failure, parked until its time', async () => {
    const key = jobs.key();
    jobs.push(key, image('later'));
    const message = await jobs.job(key);
    jobs.upstreamChanges = {
      manifest: async () => {
        throw upstreamError('UNAVAILABLE', { status: 503, temporary: true, retryAfterMs: 90_000 });
      },
    };
    expect(await jobs.run(message)).toMatchObject({ state: 'waiting' });
    expect(await jobs.record(message)).toMatchObject({
      state: 'waiting',
      attempts: 1,
      notBefore: '2026-04-01T12:01:30.000Z',
      error: { code: 'UNAVAILABLE' },
    });
    expect(await jobs.parked()).toEqual([{ id: message.job, notBefore: '2026-04-01T12:01:30.000Z' }]);
    expect(jobs.queue.sent).toEqual([]);

    jobs.upstreamChanges = {};
    await jobs.run(message);
    const done = await jobs.record(message);
    expect(done).toMatchObject({ state: 'committed', attempts: 2 });
    expect(done.error).toBeUndefined();
    expect(done.notBefore).toBeUndefined();
  });

  it('does not count rate limits as attempts, but gives up on other trouble in the end', async () => {
    const message = await jobs.job(jobs.key());
    jobs.upstreamChanges = {
      manifest: async () => {
        throw upstreamError('TOOMANYREQUESTS', { status: 429, temporary: true });
      },
    };
    for (let i = 0; i < 3; i++) {
      await jobs.run(message);
      // The registry is closed meanwhile.
      jobs.now = new Date(jobs.now.getTime() + 6 * 60_000);
    }
    expect(await jobs.record(message)).toMatchObject({ state: 'waiting', attempts: 0 });

    await jobs.stores.jobs.update(message.job, { attempts: maxAttempts - 1 });
    jobs.upstreamChanges = {
      manifest: async () => {
        throw upstreamError('UNAVAILABLE', { status: 503, temporary: true });
      },
    };
    expect(await jobs.run(message)).toMatchObject({ state: 'failed' });
    expect((await jobs.record(message)).error?.message).toContain(`given up after ${maxAttempts} attempts`);
  });
});
