import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newJobId } from '../../../core/jobs/record.ts';
import type { ImageKey } from '../../../core/mapping/record.ts';
import { gate, MirrorJobs } from '../../support/mirror-jobs.ts';
import { type SeededImage, seededImage } from '../../support/seeded-image.ts';

/** The order of a queue is not a lock. This is what two jobs for one tag do at the same time. */
describe('two jobs for one tag', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => jobs.reset());
  afterAll(() => jobs.close());
  const image = (seed: string) => seededImage({ seed, layers: [{ size: 3_000 }] });
  const [red, blue] = [image('red'), image('blue')];

  /** Mapping and mirror agree on this image. */
  const expectMirrored = async (key: ImageKey, { manifest }: SeededImage) => {
    expect((await jobs.mapping(key))?.digest).toBe(manifest.digest);
    expect(jobs.mirror(key).tags.get(key.reference)).toBe(manifest.digest);
  };

  /** Runs a job that resolves to `image` now and copies only when it is released. */
  const held = async (key: ImageKey, image: SeededImage) => {
    jobs.push(key, image);
    const message = await jobs.job(key);
    const begun = gate();
    const goOn = gate();
    jobs.upstreamChanges = {
      blob: async (blob) => {
        begun.open();
        await goOn.passed;
        return await jobs.upstream(key).blob(blob);
      },
    };
    const running = jobs.run(message);
    await begun.passed;
    jobs.upstreamChanges = {};
    return {
      message,
      finish: async () => {
        goOn.open();
        return await running;
      },
    };
  };

  it('look again after a lost lease, so that the tag is what was published', async () => {
    const key = jobs.key();
    const early = await held(key, red);
    jobs.push(key, blue);
    await jobs.run(await jobs.job(key));
    // As if the early one had put its tag after its lease had expired, and was killed before it
    // noticed.
    jobs.mirror(key).tags.set(key.reference, red.manifest.digest);
    const again = { ...early.message };
    await early.finish();
    await jobs.stores.jobs.create({
      ...(await jobs.record(again)),
      id: newJobId(),
      state: 'copying',
      attempts: 1,
    });
    const [latest] = (await jobs.stores.jobs.list({ states: ['copying'], limit: 1 })).jobs;
    expect(await jobs.run({ ...again, job: latest?.id ?? '' })).toMatchObject({ state: 'committed' });
    await expectMirrored(key, blue);
  });

  it('end with what the later one saw, when it commits first', async () => {
    const key = jobs.key();
    const early = await held(key, red);
    jobs.push(key, blue);
    expect(await jobs.run(await jobs.job(key))).toMatchObject({ state: 'committed' });

    expect(await early.finish()).toMatchObject({ state: 'superseded' });
    await expectMirrored(key, blue);
    expect(await jobs.record(early.message)).toMatchObject({
      state: 'superseded',
      digest: red.manifest.digest,
    });
    expect((await jobs.record(early.message)).lagMs).toBeUndefined();
  });

  it('end with what the later one saw, when it commits last', async () => {
    const key = jobs.key();
    const early = await held(key, red);
    const late = await held(key, blue);
    expect(await early.finish()).toMatchObject({ state: 'committed' });
    await expectMirrored(key, red);
    expect(await late.finish()).toMatchObject({ state: 'committed' });
    await expectMirrored(key, blue);
  });

  it('never map what the tag does not name, when one finds it unchanged while the other moves it', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, red);
    const early = await held(key, blue); // sees blue, and has yet to copy it
    jobs.push(key, red); // upstream is moved back
    const looked = gate();
    const goOn = gate();
    const mirror = jobs.mirror(key);
    jobs.mirrorChanges = {
      tagDigest: async (tag) => {
        const digest = await mirror.tagDigest(tag);
        looked.open();
        await goOn.passed;
        return digest;
      },
    };
    const late = await jobs.job(key);
    const running = jobs.run(late); // sees red, mapped and there
    await looked.passed;
    jobs.mirrorChanges = {};
    await early.finish();
    await expectMirrored(key, blue);
    goOn.open();

    // It must not say `red` while the tag names blue. It looks again, and then it is right.
    expect(await running).toMatchObject({ state: 'waiting', job: { error: { code: 'TAG_BUSY' } } });
    await expectMirrored(key, blue);
    expect(await jobs.run(late)).toMatchObject({ state: 'committed' });
    await expectMirrored(key, red);
  });

  it('put a tag again that a dead one has already moved, which does no harm', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, red);
    jobs.push(key, blue);
    // It copied, moved the tag, and died before it published.
    const mirror = jobs.mirror(key);
    for (const [digest, bytes] of blue.blobs) mirror.blobs.set(digest, bytes);
    await mirror.putManifest(await jobs.upstream(key).manifest('latest'), 'latest');
    let put = 0;
    jobs.mirrorChanges = {
      putManifest: async (...call) => {
        put += 1;
        await mirror.putManifest(...call);
      },
    };
    expect(await jobs.run(await jobs.job(key))).toMatchObject({ state: 'committed' });
    expect(put).toBe(1);
    await expectMirrored(key, blue);
  });

  it('correct a tag that somebody else has moved', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, blue);
    await jobs.mirrored(key, red);
    jobs.mirror(key).tags.set('latest', blue.manifest.digest);
    expect(await jobs.run(await jobs.job(key))).toMatchObject({ state: 'committed' });
    await expectMirrored(key, red);
  });

  it('wait for each other’s lease', async () => {
    const key = jobs.key();
    const crashed = await jobs.stores.mappings.acquireLease(key, 'crashed', 400);
    expect(crashed).toBeDefined();
    jobs.push(key, red);
    expect(await jobs.run(await jobs.job(key))).toMatchObject({ state: 'committed' });
    await expectMirrored(key, red);
  });

  it('both end well when they run the same job at once', async () => {
    const key = jobs.key();
    jobs.push(key, red);
    const message = await jobs.job(key);
    const ends = await Promise.all([jobs.run(message), jobs.run(message)]);
    expect(ends.map(({ state }) => state)).toContain('committed');
    // Whichever of the two was recorded first.
    expect(['committed', 'superseded']).toContain((await jobs.record(message)).state);
    await expectMirrored(key, red);
  });
});
