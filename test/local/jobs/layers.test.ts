import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallOptions } from '../../../core/copy/ports.ts';
import { DeadlineError } from '../../../core/jobs/deadline.ts';
import { leaseMs, renewEveryMs } from '../../../core/jobs/layers/layer-lease.ts';
import type { Descriptor } from '../../../core/oci/descriptor.ts';
import { chunks, stalling } from '../../support/byte-streams.ts';
import { LayerJobs, unknownJob } from '../../support/layer-jobs.ts';
import { gate, jobsConfig } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

describe('a layer job', () => {
  let jobs: LayerJobs;
  beforeAll(async () => {
    jobs = await LayerJobs.start();
  });
  beforeEach(() => jobs.reset());
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
  afterAll(() => jobs.close());
  const image = (seed: string, layers = 3) =>
    seededImage({ seed, layers: Array.from({ length: layers }, (_, i) => ({ size: 9_000 + i })) });
  const record = (job: string) => jobs.mirror.record({ job });

  it('copies its layer, and the last one wakes the mirror job, which finds all of them present', async () => {
    const built = image('fan');
    const { key, job, messages } = await jobs.fannedOut(built);
    const [a, b, c] = messages;
    expect(await jobs.run(b)).toEqual({ state: 'carried', how: 'copied', complete: false });
    expect(await jobs.run(c)).toEqual({ state: 'carried', how: 'copied', complete: false });
    expect(jobs.woken).toEqual([]);
    expect(await jobs.run(a)).toEqual({ state: 'carried', how: 'copied', complete: true });
    expect(jobs.woken).toEqual([job]);
    expect((await record(job)).progress).toEqual({
      blobs: 3,
      totalBlobs: 3,
      bytes: 27_003,
      totalBytes: 27_003,
    });

    const [message] = jobs.mirror.queue.sent;
    if (!message) throw new Error('no message');
    expect(message.group).toBe(`mirror/docker.io/${key.repository}`);
    expect(await jobs.mirror.run(message.body)).toMatchObject({ state: 'committed' });
    expect((await record(job)).transfer).toMatchObject({
      copied: { blobs: 1 }, // the config
      present: { blobs: 3, bytes: 27_003 },
    });
  });

  it('wakes the mirror job at least once when all layers end at the same time', async () => {
    const { job, messages } = await jobs.fannedOut(image('at once'));
    const done = await Promise.all(messages.map((message) => jobs.run(message)));
    const complete = done.filter((result) => result.state === 'carried' && result.complete);
    expect(complete.length).toBeGreaterThanOrEqual(1);
    expect(jobs.woken).toEqual(complete.map(() => job));
  });

  it('does nothing for a job that is finished or unknown', async () => {
    const { job, messages } = await jobs.fannedOut(image('finished'));
    await jobs.mirror.stores.jobs.update(job, { state: 'failed' });
    const nobody = vi.fn();
    const changes = { openMirror: nobody, openUpstream: nobody };
    expect(await jobs.run(messages[0], changes)).toEqual({ state: 'gone' });
    expect(await jobs.run(unknownJob(messages[0]), changes)).toEqual({ state: 'gone' });
    expect(nobody).not.toHaveBeenCalled();
  });

  it('finds its layer present when its message comes twice, and wakes the mirror job again', async () => {
    const { job, messages } = await jobs.fannedOut(image('twice', 1));
    await jobs.run(messages[0]);
    const nobody = vi.fn();
    expect(await jobs.run(messages[0], { openUpstream: nobody })).toEqual({
      state: 'carried',
      how: 'present',
      complete: true,
    });
    expect(nobody).not.toHaveBeenCalled();
    expect(jobs.woken).toEqual([job, job]);
    expect((await record(job)).progress).toMatchObject({ blobs: 1, bytes: 9_000 });
  });

  it('mounts its layer from where the index says it is, without asking upstream', async () => {
    const { messages } = await jobs.fannedOut(image('mounted', 1));
    const [message] = messages;
    if (!message) throw new Error('no message');
    const holder = 'mirror/docker.io/library/holder';
    await jobs.layerIndex.add(holder, [message.layer.digest]);
    const mounting = vi.fn();
    jobs.mirror.mirrorChanges = {
      openUpload: async (_, options) => {
        mounting(options?.mountFrom);
        return { kind: 'mounted' };
      },
    };
    const reading = vi.fn();
    jobs.mirror.upstreamChanges = { blob: reading };
    expect(await jobs.run(message)).toMatchObject({ state: 'carried', how: 'mounted' });
    expect(mounting).toHaveBeenCalledExactlyOnceWith(holder);
    expect(reading).not.toHaveBeenCalled();
    expect((await record(message.job)).progress).toMatchObject({ blobs: 1, bytes: 9_000 });
  });

  it('leaves a layer to the worker that is copying it', async () => {
    const { key, messages } = await jobs.fannedOut(image('held', 1));
    const { passed, open } = gate();
    const reading = vi.fn(async (blob: Descriptor) => {
      await passed;
      return chunks(jobs.mirror.upstream(key).blobs.get(blob.digest) as Uint8Array);
    });
    jobs.mirror.upstreamChanges = { blob: reading };
    const first = jobs.run(messages[0]);
    await vi.waitFor(() => expect(reading).toHaveBeenCalledTimes(1));
    expect(await jobs.run(messages[0])).toEqual({ state: 'held' });
    open();
    expect(await first).toMatchObject({ state: 'carried', complete: true });
    expect(reading).toHaveBeenCalledTimes(1);
  });

  it('keeps its lease for as long as it copies, and then releases it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { key, messages } = await jobs.fannedOut(image('long', 1));
    const repository = `mirror/docker.io/${key.repository}`;
    const layer = messages[0]?.layer.digest as never;
    const { passed, open } = gate();
    const reading = vi.fn(async (blob: Descriptor) => {
      await passed;
      return chunks(jobs.mirror.upstream(key).blobs.get(blob.digest) as Uint8Array);
    });
    jobs.mirror.upstreamChanges = { blob: reading };
    const start = jobs.mirror.now;
    const running = jobs.run(messages[0]);
    await vi.waitFor(() => expect(reading).toHaveBeenCalled());
    const later = new Date(start.getTime() + renewEveryMs);
    jobs.mirror.now = later;
    vi.advanceTimersByTime(renewEveryMs);
    const nearlyOver = new Date(later.getTime() + leaseMs - 1);
    await vi.waitFor(async () =>
      expect(await jobs.leases.held(repository, [layer], nearlyOver)).toEqual(new Set([layer])),
    );
    open();
    await running;
    expect(await jobs.leases.held(repository, [layer], start)).toEqual(new Set());
  });

  it('is requested again after a crash between the last byte and the wake', async () => {
    const { job, messages } = await jobs.fannedOut(image('crash', 1));
    jobs.mirror.queue.refuses = () => true;
    await expect(jobs.run(messages[0])).rejects.toThrow('the mirror job could not be woken: switched off');
    expect(jobs.woken).toEqual([]);
    jobs.mirror.queue.refuses = () => false;
    expect(await jobs.run(messages[0])).toEqual({ state: 'carried', how: 'present', complete: true });
    expect(jobs.woken).toEqual([job]);
  });

  it('is delivered again after an error of ours, with its lease free and its progress taken back', async () => {
    const { key, job, messages } = await jobs.fannedOut(image('ours', 1));
    const crash = new TypeError('undefined is not a function');
    jobs.mirror.upstreamChanges = {
      blob: async (blob) => {
        const bytes = jobs.mirror.upstream(key).blobs.get(blob.digest) as Uint8Array;
        return (async function* () {
          yield bytes.subarray(0, 5_000);
          // Until a report has included it.
          await vi.waitFor(async () => expect((await record(job)).progress?.bytes).toBe(5_000), 3_000);
          throw crash;
        })();
      },
    };
    await expect(jobs.run(messages[0])).rejects.toBe(crash);
    expect(await record(job)).toMatchObject({ state: 'copying', progress: { blobs: 0, bytes: 0 } });
    jobs.mirror.upstreamChanges = {};
    expect(await jobs.run(messages[0])).toMatchObject({ state: 'carried', complete: true });
    expect((await record(job)).progress).toMatchObject({ blobs: 1, bytes: 9_000 });
  });

  it('is queued again when the invocation runs out of time', async () => {
    const { key, job, messages } = await jobs.fannedOut(image('slow', 1));
    const { passed, open } = gate();
    jobs.mirror.upstreamChanges = {
      blob: async (blob: Descriptor, options?: CallOptions) => {
        open();
        const bytes = jobs.mirror.upstream(key).blobs.get(blob.digest) as Uint8Array;
        return stalling(bytes.subarray(0, 100), options?.signal);
      },
    };
    const deadline = new AbortController();
    const running = jobs.run(messages[0], {}, deadline.signal);
    await passed;
    deadline.abort(new DeadlineError());
    expect(await running).toEqual({ state: 'queued' });
    expect(jobs.layerQueue.sent).toEqual([{ ...messages[0], invocations: 1 }]);
    expect(await record(job)).toMatchObject({ state: 'copying', progress: { bytes: 0 } });

    jobs.mirror.upstreamChanges = {};
    expect(await jobs.run(jobs.layerQueue.sent[0])).toMatchObject({ state: 'carried', complete: true });
  });

  it('is delivered again when it could not be queued again, and fails the image after a hundred invocations', async () => {
    const { job, messages } = await jobs.fannedOut(image('endless', 1));
    const over = AbortSignal.abort(new DeadlineError());
    jobs.layerQueue.refuses = true;
    await expect(jobs.run(messages[0], {}, over)).rejects.toThrow('switched off');
    const last = messages[0] && { ...messages[0], invocations: 99 };
    expect(await jobs.run(last, {}, over)).toMatchObject({ state: 'failed', error: { code: 'too_slow' } });
    expect(await record(job)).toMatchObject({ state: 'failed', error: { code: 'too_slow' } });
  });

  it('fails its image when the layer is not what it should be', async () => {
    const { key, job, messages } = await jobs.fannedOut(image('damaged'));
    jobs.mirror.upstreamChanges = {
      blob: async (blob) => {
        const bytes = jobs.mirror.upstream(key).blobs.get(blob.digest) as Uint8Array;
        return chunks(bytes.map((byte) => byte ^ 1));
      },
    };
    expect(await jobs.run(messages[0])).toMatchObject({ state: 'failed', error: { code: 'DIGEST_INVALID' } });
    expect(await record(job)).toMatchObject({
      state: 'failed',
      finishedAt: '2026-04-01T12:00:00.000Z',
      error: { code: 'DIGEST_INVALID', side: 'upstream' },
    });
    expect(jobs.mirror.mirror(key).blobs.size).toBe(0);
    // The others leave it alone.
    expect(await jobs.run(messages[1])).toEqual({ state: 'gone' });
    expect(jobs.woken).toEqual([]);
  });

  it('fails its image when it is no longer mirrored by any rule', async () => {
    const { job, messages } = await jobs.fannedOut(image('unruled', 1));
    const config = { ...jobsConfig, upstreams: [] };
    expect(await jobs.run(messages[0], { config })).toMatchObject({ error: { code: 'not_configured' } });
    expect((await record(job)).state).toBe('failed');
  });
});
