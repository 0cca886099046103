import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inParallel } from '../../../core/async/in-parallel.ts';
import { requestChange } from '../../../core/jobs/changes/request-change.ts';
import { type Change, type JobMessage, messageOf } from '../../../core/jobs/record.ts';
import { formatImageKey, type ImageKey } from '../../../core/mapping/record.ts';
import { removeMapping } from '../../../core/mapping/remove.ts';
import { intercepted } from '../../support/intercepted.ts';
import { MirrorJobs } from '../../support/mirror-jobs.ts';
import { type SeededImage, seededImage } from '../../support/seeded-image.ts';
import { SeededTurns } from '../../support/seeded-turns.ts';

describe('a change that somebody asked for', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => jobs.reset());
  afterAll(() => jobs.close());
  const image = (seed: string) => seededImage({ seed, layers: [{ size: 300 }] });
  const [red, green, blue] = [image('red'), image('green'), image('blue')];

  const request = async (key: ImageKey, change: Change): Promise<JobMessage> => {
    await requestChange({ key, change }, { ...jobs.dependencies(), now: () => jobs.now });
    const message = jobs.queue.sent.at(-1)?.body;
    if (!message) throw new Error('nothing was queued');
    return message;
  };
  const change = async (key: ImageKey, what: Change) => {
    const message = await request(key, what);
    await jobs.run(message);
    return await jobs.record(message);
  };
  const digestOf = async (key: ImageKey) => (await jobs.mapping(key))?.digest;
  const tagOf = (key: ImageKey) => jobs.mirror(key).tags.get(key.reference);
  const history = async (key: ImageKey) =>
    (await jobs.stores.mappings.history(key)).map(({ mapping }) => mapping.digest);
  const push = async (key: ImageKey, pushed: SeededImage) => await jobs.mirrored(key, pushed);
  /** As the registry-events function does when the mirror has lost an image. */
  const lose = async (key: ImageKey) => {
    jobs.mirror(key).tags.delete(key.reference);
    const at = jobs.now.toISOString();
    const look = async () => ({ reason: 'deleted', at }) as const;
    return await removeMapping(jobs.stores.mappings, { key, owner: 'test', look });
  };

  it('rolls a tag back to an earlier digest, in the mirror and in the mapping, and pins it', async () => {
    const key = jobs.key();
    await push(key, red);
    await push(key, blue);
    const job = await change(key, { kind: 'rollback', digest: red.manifest.digest });
    expect(job).toMatchObject({ state: 'committed', trigger: 'rollback', digest: red.manifest.digest });
    expect(tagOf(key)).toBe(red.manifest.digest);
    expect(await jobs.mapping(key)).toMatchObject({
      digest: red.manifest.digest,
      pin: true,
      job: job.id,
    });
    expect(await history(key)).toEqual([red, blue, red].map(({ manifest }) => manifest.digest));
  });

  it('is queued in a group of its own, so that a long copy of the repository does not hold it up', async () => {
    const key = jobs.key();
    await push(key, red);
    await request(key, { kind: 'pin' });
    expect(jobs.queue.sent.at(-1)?.group).toBe(`change ${formatImageKey(key)}`);
  });

  it('keeps a pinned tag where it is, whatever is pushed, and copies nothing for it', async () => {
    const key = jobs.key();
    await push(key, red);
    await change(key, { kind: 'pin' });
    const job = await push(key, blue);
    expect(job).toMatchObject({ state: 'superseded', reason: { code: 'pinned' } });
    expect(job.transfer).toBeUndefined();
    expect(await digestOf(key)).toBe(red.manifest.digest);
    expect(tagOf(key)).toBe(red.manifest.digest);
  });

  it('moves the tag back if a job had moved it, and died before it published, when the tag was pinned', async () => {
    const key = jobs.key();
    await push(key, red);
    jobs.push(key, blue);
    const message = await jobs.job(key);
    const died = new Error('died');
    const mappings = intercepted(jobs.stores.mappings, async ({ method, go }) => {
      if (method === 'publish') throw died;
      return await go();
    });
    await expect(jobs.run(message, { mappings })).rejects.toThrow(died);
    await change(key, { kind: 'pin' });
    expect(tagOf(key)).toBe(blue.manifest.digest);
    expect(await jobs.run(message)).toMatchObject({ state: 'superseded' });
    expect(tagOf(key)).toBe(red.manifest.digest);
    expect(await digestOf(key)).toBe(red.manifest.digest);
  });

  it('looks at upstream as soon as the tag is unpinned', async () => {
    const key = jobs.key();
    await push(key, red);
    await change(key, { kind: 'pin' });
    await push(key, blue);
    const job = await change(key, { kind: 'unpin' });
    expect(job).toMatchObject({ state: 'committed', digest: blue.manifest.digest });
    expect(await jobs.mapping(key)).toMatchObject({ digest: blue.manifest.digest, pin: false });
  });

  it('is satisfied when there is nothing to change', async () => {
    const key = jobs.key();
    await push(key, red);
    await change(key, { kind: 'pin' });
    const { revision } = (await jobs.stores.mappings.read(key)) ?? {};
    expect(await change(key, { kind: 'pin' })).toMatchObject({ state: 'satisfied' });
    expect(await change(key, { kind: 'rollback', digest: red.manifest.digest })).toMatchObject({
      state: 'satisfied',
    });
    expect((await jobs.stores.mappings.read(key))?.revision).toBe(revision);
  });

  it.each([
    { kind: 'rollback', digest: green.manifest.digest },
    { kind: 'pin' },
    { kind: 'unpin' },
  ] satisfies Change[])('fails for a tag that was never mapped: $kind', async (what) => {
    const job = await change(jobs.key(), what);
    expect(job).toMatchObject({ state: 'failed', error: { code: 'not_mirrored' } });
  });

  it('fails with `gone` if the mirror no longer holds the image, and changes nothing', async () => {
    const key = jobs.key();
    await push(key, red);
    await push(key, blue);
    jobs.mirror(key).manifests.delete(red.manifest.digest);
    const job = await change(key, { kind: 'rollback', digest: red.manifest.digest });
    expect(job).toMatchObject({ state: 'failed', error: { code: 'gone' } });
    expect(await jobs.mapping(key)).toMatchObject({ digest: blue.manifest.digest, pin: false });
    expect(tagOf(key)).toBe(blue.manifest.digest);
  });

  it('survives a function that dies after the tag was moved', async () => {
    const key = jobs.key();
    await push(key, red);
    await push(key, blue);
    const message = await request(key, { kind: 'rollback', digest: red.manifest.digest });
    const died = new Error('died');
    const mappings = intercepted(jobs.stores.mappings, async ({ method, go }) => {
      if (method === 'publish') throw died;
      return await go();
    });
    await expect(jobs.run(message, { mappings })).rejects.toThrow(died);
    expect(tagOf(key)).toBe(red.manifest.digest);
    await jobs.run(message);
    expect(await jobs.mapping(key)).toMatchObject({ digest: red.manifest.digest, pin: true });
  });

  it('creates its record again from the message', async () => {
    const key = jobs.key();
    await push(key, red);
    await push(key, blue);
    const lost = { ...(await request(key, { kind: 'rollback', digest: red.manifest.digest })) };
    const message = { ...lost, job: `${lost.job.slice(0, -4)}0000` };
    await jobs.run(message);
    expect(await jobs.record(message)).toMatchObject({ state: 'committed', change: lost.change });
  });

  describe('when the mirror has lost the image', () => {
    it('a tag that was not pinned is mirrored again by its next job', async () => {
      const key = jobs.key();
      await push(key, red);
      expect(await lose(key)).toMatchObject({ kind: 'removed' });
      expect(await jobs.mapping(key)).toBeUndefined();
      expect((await jobs.stores.mappings.history(key))[0]).toMatchObject({
        mapping: { digest: red.manifest.digest },
        removed: { reason: 'deleted' },
      });
      const message = await jobs.job(key, 'reconcile');
      await jobs.run(message);
      expect(await jobs.record(message)).toMatchObject({ state: 'committed' });
      expect(await digestOf(key)).toBe(red.manifest.digest);
    });

    it('a pinned tag stays pinned: nothing takes its place until it is unpinned', async () => {
      const key = jobs.key();
      await push(key, red);
      await change(key, { kind: 'pin' });
      await lose(key);
      expect(await push(key, blue)).toMatchObject({ state: 'superseded', reason: { code: 'pinned' } });
      expect(await jobs.mapping(key)).toBeUndefined();
      await change(key, { kind: 'unpin' });
      expect(await jobs.mapping(key)).toMatchObject({ digest: blue.manifest.digest, pin: false });
    });
  });

  it('agrees with a push at the same moment: tag, mapping and history, in 200 orders', async () => {
    const [r, g, b] = [red, green, blue].map(({ manifest }) => manifest.digest);
    const seen = new Set<number>();
    await inParallel(
      Array.from({ length: 200 }).map((_, seed) => seed),
      10,
      async (seed) => {
        const key = jobs.key();
        await push(key, red);
        await push(key, green);
        jobs.push(key, blue);
        const change = { kind: 'rollback', digest: red.manifest.digest } as const;
        const pushed = await jobs.job(key);
        const rollback = await requestChange(
          { key, change },
          { ...jobs.dependencies(), now: () => jobs.now },
        );
        const turns = new SeededTurns(seed);
        const mappings = turns.inTurns(jobs.stores.mappings);
        // The rollback begins with the push's first call, or its second, …, or after its end.
        const begin = Promise.withResolvers<void>();
        let callsBefore = seed % 16;
        const counted = intercepted(mappings, async ({ go }) => {
          if (callsBefore-- === 0) begin.resolve();
          return await go();
        });
        await Promise.all([
          jobs.run(pushed, { mappings: counted }).finally(begin.resolve),
          begin.promise.then(() => jobs.run(messageOf(rollback), { mappings })),
        ]);
        const { mapping, revision = 0 } = (await jobs.stores.mappings.read(key)) ?? {};
        // The rollback pins: the push is either before it, and then replaced, or superseded.
        expect(mapping).toMatchObject({ digest: r, pin: true });
        expect(tagOf(key)).toBe(r);
        const entries = await jobs.stores.mappings.history(key);
        expect(entries.map((entry) => entry.revision)).toEqual(
          Array.from({ length: revision }, (_, at) => revision - at),
        );
        const digests = entries.map((entry) => entry.mapping.digest);
        expect([
          [r, g, r],
          [r, b, g, r],
        ]).toContainEqual(digests);
        seen.add(digests.length);
      },
    );
    expect(seen.size, 'the rollback came first, and the push did').toBe(2);
  }, 240_000);
});
