import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeadlineError } from '../../../core/jobs/deadline.ts';
import { maxAttempts } from '../../../core/jobs/decide-retry.ts';
import { newJobId, presentJob } from '../../../core/jobs/record.ts';
import { inChunks, stalling, timeOf } from '../../support/byte-streams.ts';
import { gate, MirrorJobs, upstreamError } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

describe('an interrupted mirror job', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => jobs.reset());
  afterAll(() => jobs.close());
  const image = (seed: string) => seededImage({ seed, layers: [{ size: 9_000 }, { size: 800 }] });

  it('is queued again when the invocation runs out of time, and continues where it was', async () => {
    const key = jobs.key();
    const slow = image('slow');
    jobs.push(key, slow);
    const message = await jobs.job(key);
    const { passed, open } = gate();
    jobs.upstreamChanges = {
      blob: async (blob, options) => {
        const bytes = jobs.upstream(key).blobs.get(blob.digest) as Uint8Array;
        if (blob.digest !== slow.layers[0]?.digest) return inChunks(bytes);
        setTimeout(open, 20);
        return stalling(bytes.subarray(0, 100), options?.signal);
      },
    };
    const deadline = new AbortController();
    const running = jobs.run(message, {}, deadline.signal);
    await passed;
    deadline.abort(new DeadlineError());
    expect(await timeOf(running)).toBeLessThan(3_000);
    expect(await running).toMatchObject({ state: 'queued' });
    expect(await jobs.record(message)).toMatchObject({ state: 'queued' });
    expect(jobs.queue.sent.map(({ body }) => body)).toEqual([message]);

    jobs.upstreamChanges = {};
    await jobs.run(message);
    expect(await jobs.record(message)).toMatchObject({
      state: 'committed',
      transfer: { copied: { blobs: 1 }, present: { blobs: 2 } },
    });
  });

  it('fails when a hundred invocations were not enough', async () => {
    const key = jobs.key();
    jobs.push(key, image('endless'));
    const message = await jobs.job(key);
    const over = AbortSignal.abort(new DeadlineError());
    for (let attempt = 1; attempt < 100; attempt++) {
      expect(await jobs.run(message, {}, over)).toMatchObject({ state: 'queued' });
    }
    expect(await jobs.record(message)).toMatchObject({ state: 'queued', attempts: 0, invocations: 99 });
    expect(await jobs.run(message, {}, over)).toMatchObject({ state: 'failed' });
    expect(await jobs.record(message)).toMatchObject({
      state: 'failed',
      error: { code: 'too_slow' },
    });
  });

  it('has as many attempts left after many invocations as before', async () => {
    const key = jobs.key();
    jobs.push(key, image('huge'));
    const message = await jobs.job(key);
    const over = AbortSignal.abort(new DeadlineError());
    for (let invocation = 1; invocation <= maxAttempts; invocation++) await jobs.run(message, {}, over);
    const down = upstreamError('UNAVAILABLE', { status: 503, temporary: true });
    jobs.upstreamChanges = { manifest: () => Promise.reject(down) };
    expect(await jobs.run(message)).toMatchObject({ state: 'waiting' });
    expect(await jobs.record(message)).toMatchObject({ state: 'waiting', attempts: 1 });
    expect(presentJob(await jobs.record(message))).not.toHaveProperty('invocations');
  });

  it('looks again although it could be satisfied, because it may have moved the tag', async () => {
    const key = jobs.key();
    jobs.push(key, image('moved'));
    const message = await jobs.job(key);
    await jobs.run(message, {}, AbortSignal.abort(new DeadlineError()));
    await jobs.mirrored(key, image('moved'));
    expect(await jobs.run(message)).toMatchObject({ state: 'committed' });
  });

  it('is delivered again when it could not be queued again', async () => {
    const key = jobs.key();
    jobs.push(key, image('no queue'));
    const message = await jobs.job(key);
    jobs.queue.refuses = () => true;
    const over = AbortSignal.abort(new DeadlineError());
    await expect(jobs.run(message, {}, over)).rejects.toThrow('switched off');
  });

  it('goes back to the queue after an error of ours, which its record mentions without details', async () => {
    const key = jobs.key();
    jobs.push(key, image('crashing'));
    const message = await jobs.job(key);
    const crash = new TypeError('undefined is not a function at password=hunter2');
    const broken = { openMirror: () => Promise.reject(crash) };
    await expect(jobs.run(message, broken)).rejects.toBe(crash);
    const record = await jobs.record(message);
    expect(record).toMatchObject({ state: 'copying', error: { code: 'internal', side: 'drayage' } });
    expect(JSON.stringify(record)).not.toContain('hunter2');

    expect(await jobs.run(message)).toMatchObject({ state: 'committed' });
    expect((await jobs.record(message)).error).toBeUndefined();
  });

  it('is recorded again from its message when its record is lost', async () => {
    const key = jobs.key();
    jobs.push(key, image('lost'));
    const known = await jobs.job(key);
    const message = { ...known, job: newJobId(jobs.now.getTime()) };
    expect(await jobs.run(message)).toMatchObject({ state: 'committed' });
    expect(await jobs.record(message)).toMatchObject({ key, event: 1, trigger: 'webhook', attempts: 1 });
  });

  it('continues although its progress cannot be written', async () => {
    const key = jobs.key();
    jobs.push(key, image('no progress'));
    const message = await jobs.job(key);
    const update = jobs.stores.jobs.update.bind(jobs.stores.jobs);
    vi.spyOn(jobs.stores.jobs, 'update').mockImplementation((id, changes) =>
      'progress' in changes ? Promise.reject(new Error('throttled')) : update(id, changes),
    );
    expect(await jobs.run(message)).toMatchObject({ state: 'committed' });
    expect(jobs.warnings).toContain('a progress report could not be written');
  });
});
