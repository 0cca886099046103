import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JobMessage, JobTrigger } from '../../../core/jobs/record.ts';
import { resendDue } from '../../../core/jobs/resend.ts';
import type { ImageKey } from '../../../core/mapping/record.ts';
import { jobsConfig, MirrorJobs } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

describe('one more look', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => jobs.reset());
  afterEach(async () => {
    for (const parked of await jobs.parked()) await jobs.stores.jobs.unpark(parked);
  });
  afterAll(() => jobs.close());

  const image = (seed: string) => seededImage({ seed, layers: [{ size: 90 }] });
  const event = async (key: ImageKey, trigger?: JobTrigger) => {
    const message = await jobs.job(key, trigger);
    return await jobs.run(message);
  };
  /** Sends what is due a minute later, as the schedule does. */
  const minuteLater = async (): Promise<JobMessage[]> => {
    jobs.now = new Date(jobs.now.getTime() + 60_000);
    jobs.queue.sent = [];
    await resendDue({ config: jobsConfig, jobs: jobs.stores.jobs, queue: jobs.queue }, jobs.now);
    return jobs.queue.sent.map(({ body }) => body);
  };

  it('is parked when an event came but upstream shows what is already mapped', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('cached'));
    expect(await jobs.parked()).toEqual([]);
    jobs.now = new Date('2026-04-01T13:00:00.000Z');
    expect(await event(key)).toMatchObject({ state: 'committed' });

    const [parked, ...others] = await jobs.parked();
    expect(others).toEqual([]);
    expect(parked?.notBefore).toBe('2026-04-01T13:01:00.000Z');
    expect(await jobs.record({ job: parked?.id ?? '' })).toMatchObject({
      key,
      state: 'waiting',
      trigger: 'recheck',
      event: 3,
      notBefore: '2026-04-01T13:01:00.000Z',
      attempts: 0,
    });
    // The mapping shows that it was seen again; nothing was published again.
    expect(await jobs.mapping(key)).toMatchObject({ observedAt: '2026-04-01T13:00:00.000Z' });
    expect((await jobs.stores.mappings.read(key))?.revision).toBe(1);
  });

  it('is parked when a look also counts for later events, and finds the last of two pushes', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('v0'));
    jobs.now = new Date('2026-04-01T12:02:00.000Z'); // the last look is long ago: the first job looks
    // Two pushes, and upstream's cache shows the first one for a while: the second job is satisfied
    // by the first's look.
    const [first, second] = [await jobs.job(key), await jobs.job(key)];
    jobs.push(key, image('v1'));
    expect(await jobs.run(first)).toMatchObject({ state: 'committed' });
    expect(await jobs.run(second)).toMatchObject({ state: 'satisfied' });
    jobs.push(key, image('v2'));
    const [look] = await minuteLater();
    if (!look) throw new Error('nothing was due');
    await jobs.run(look);
    expect(await jobs.mapping(key)).toMatchObject({ digest: image('v2').manifest.digest });
  });

  it('is parked once, however many events come', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('often'));
    for (let i = 0; i < 4; i++) await event(key);
    expect(await jobs.parked()).toHaveLength(1);
  });

  it('is not requested when upstream shows another digest, or for other triggers', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('before'));
    jobs.now = new Date('2026-04-01T12:01:00.000Z');
    await jobs.mirrored(key, image('after'));
    for (const trigger of ['reconcile', 'request', 'redrive'] as const) await event(key, trigger);
    expect(await jobs.parked()).toEqual([]);
  });

  it('is parked when looks within a minute contradict each other: the later one may have got the older answer', async () => {
    const key = jobs.key();
    jobs.push(key, image('first push'));
    const [first, second] = [await jobs.job(key), 'the next push'];
    jobs.push(key, image(second));
    await jobs.run(first);
    const told = await jobs.job(key);
    jobs.push(key, image('first push')); // as a cache shows it that is behind
    expect(await jobs.run(told)).toMatchObject({ state: 'committed' });
    jobs.push(key, image(second));
    const [look] = await minuteLater();
    if (!look) throw new Error('nothing was due');
    await jobs.run(look);
    expect(await jobs.mapping(key)).toMatchObject({ digest: image(second).manifest.digest });
  });

  it('always looks, and queues none after itself', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('stale'));
    await event(key);
    // A later event is committed before the look is due: it still looks.
    await event(key, 'reconcile');
    const [look] = await minuteLater();
    if (!look) throw new Error('nothing was due');
    let asked = 0;
    jobs.upstreamChanges = {
      manifest: (reference) => {
        asked += 1;
        return jobs.upstream(key).manifest(reference);
      },
    };
    expect(await jobs.run(look)).toMatchObject({ state: 'committed' });
    expect(asked).toBe(1);
    expect(await jobs.parked()).toEqual([]);
    expect((await jobs.stores.mappings.read(key))?.recheck).toBeUndefined();
  });

  it('finds what upstream’s cache had hidden', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('hidden behind'));
    await event(key);
    jobs.push(key, image('at last'));
    const [look] = await minuteLater();
    if (!look) throw new Error('nothing was due');
    await jobs.run(look);
    expect(await jobs.mapping(key)).toMatchObject({ digest: image('at last').manifest.digest });
  });

  it('can be requested again once it has looked, even if it failed', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('again'));
    await event(key);
    const [look] = await minuteLater();
    if (!look) throw new Error('nothing was due');
    jobs.upstreamChanges = {
      manifest: async () => {
        throw new Error('a crash in the middle');
      },
    };
    await expect(jobs.run(look)).rejects.toThrow('a crash in the middle');
    jobs.upstreamChanges = {};
    await event(key);
    // The crashed look is watched, too.
    expect((await jobs.parked()).filter(({ id }) => id !== look.job)).toHaveLength(1);
  });

  it('is requested before the commit, so that a crash in between loses nothing', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('crash'));
    const message = await jobs.job(key);
    vi.spyOn(jobs.stores.mappings, 'confirm').mockRejectedValueOnce(new Error('the table is gone'));
    await expect(jobs.run(message)).rejects.toThrow('the table is gone');
    expect(await jobs.parked()).toHaveLength(1);
    // The message comes again: there is still only one.
    expect(await jobs.run(message)).toMatchObject({ state: 'committed' });
    expect(await jobs.parked()).toHaveLength(1);
  });
});
