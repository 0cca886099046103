import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobMessage } from '../../../core/jobs/record.ts';
import type { ImageKey } from '../../../core/mapping/record.ts';
import { MirrorJobs } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

describe('events of one tag', () => {
  let jobs: MirrorJobs;
  let looks = 0;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => {
    jobs.reset();
    looks = 0;
  });
  afterEach(async () => {
    for (const parked of await jobs.parked()) await jobs.stores.jobs.unpark(parked);
  });
  afterAll(() => jobs.close());

  const image = (seed: string) => seededImage({ seed, layers: [{ size: 90 }] });
  /**
   * Runs a job and counts how often upstream is opened, which happens before anything is asked of
   * it.
   */
  const run = (message: Awaited<ReturnType<MirrorJobs['job']>>) => {
    const { openUpstream } = jobs.dependencies();
    return jobs.run(message, {
      openUpstream: (...of) => {
        looks++;
        return openUpstream(...of);
      },
    });
  };
  const told = async (key: ImageKey, digest?: string) => run(await jobs.job(key, 'webhook', digest));

  it('that announce what is already mapped ask nobody, and one more look is due', async () => {
    const key = jobs.key();
    const { digest } = image('same').manifest;
    await jobs.mirrored(key, image('same'));
    for (let n = 0; n < 5; n++) {
      expect(await told(key, digest)).toMatchObject({ state: 'satisfied' });
      jobs.now = new Date(jobs.now.getTime() + 10_000);
    }
    expect(looks).toBe(0);
    expect(await jobs.parked()).toHaveLength(1);
  });

  it('are hints: a digest that is not mapped causes a look, and what the look finds is what counts', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('one'));
    jobs.push(key, image('two'));
    expect(await told(key, image('three').manifest.digest)).toMatchObject({ state: 'committed' });
    expect(await jobs.mapping(key)).toMatchObject({ digest: image('two').manifest.digest });
    expect(looks).toBe(1);
  });

  /** Mirrors v1, and has a duplicate of its event look, which finds nothing new. */
  const lookedInVain = async () => {
    const key = jobs.key();
    jobs.push(key, image('v1'));
    await run(await jobs.job(key));
    jobs.now = new Date(jobs.now.getTime() + 1_000);
    expect(await run(await jobs.job(key))).toMatchObject({ state: 'committed' });
    return key;
  };
  const statesOf = (messages: JobMessage[]) =>
    Promise.all(messages.map(async (message) => (await jobs.record(message)).state));

  it('that come in a flood cost one look, by the last of them, once one look has found nothing new', async () => {
    const key = await lookedInVain();
    const flood = await Promise.all(Array.from({ length: 20 }, () => jobs.job(key)));
    flood.sort((a, b) => a.event - b.event);
    jobs.push(key, image('v2'));
    for (const message of flood) await run(message);
    expect(looks).toBe(3);
    expect(await jobs.mapping(key)).toMatchObject({ digest: image('v2').manifest.digest });
    expect(await statesOf(flood)).toEqual([...Array(19).fill('satisfied'), 'committed']);
    // What they leave to the last one does not say what was mapped before.
    expect((await jobs.record(flood[0] as JobMessage)).digest).toBeUndefined();
  });

  it('cause a look by the first one after a change, so that its end says that its push is mapped', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('v1'));
    jobs.push(key, image('v2'));
    const twice = [await jobs.job(key), await jobs.job(key)];
    for (const message of twice) await run(message);
    expect(await statesOf(twice)).toEqual(['committed', 'satisfied']);
    expect(looks).toBe(1);
  });

  it('cause a look by the first one if the last job was never recorded', async () => {
    const key = await lookedInVain();
    const message = await jobs.job(key);
    await jobs.stores.mappings.raiseEvent(key, '01m85ak3j23mt8andghk1jng1z');
    jobs.push(key, image('v2'));
    expect(await run(message)).toMatchObject({ state: 'committed' });
    expect(await jobs.mapping(key)).toMatchObject({ digest: image('v2').manifest.digest });
  });

  it('are not left to one that announces what is already mapped, which will not look: an old delivery that is sent again', async () => {
    const key = await lookedInVain();
    jobs.push(key, image('v2'));
    const push = await jobs.job(key, 'webhook', image('v2').manifest.digest);
    await jobs.job(key, 'webhook', image('v1').manifest.digest);
    expect(await run(push)).toMatchObject({ state: 'committed' });
    expect(await jobs.mapping(key)).toMatchObject({ digest: image('v2').manifest.digest });
  });

  it('cause a look by the first one if the last look was a while ago, so that a steady stream cannot starve the tag', async () => {
    const key = await lookedInVain();
    jobs.now = new Date(jobs.now.getTime() + 61_000);
    const message = await jobs.job(key);
    await jobs.job(key);
    jobs.push(key, image('v2'));
    expect(await run(message)).toMatchObject({ state: 'committed' });
  });

  it('cause another look by a job that was started before', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('v1'));
    const message = await jobs.job(key, 'webhook', image('v1').manifest.digest);
    await jobs.stores.jobs.begin(message.job, jobs.now.toISOString());
    jobs.push(key, image('v2'));
    expect(await run(message)).toMatchObject({ state: 'committed' });
    expect(await jobs.mapping(key)).toMatchObject({ digest: image('v2').manifest.digest });
  });
});
