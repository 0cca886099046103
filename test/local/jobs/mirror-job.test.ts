import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { lookupImage } from '../../../core/mapping/lookup.ts';
import { inChunks } from '../../support/byte-streams.ts';
import { MirrorJobs } from '../../support/mirror-jobs.ts';
import { seededImage, seededIndex } from '../../support/seeded-image.ts';

describe('a mirror job', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
    await jobs.stores.mappings.putRegistryHost('eu-west-1', 'mirror.example');
  });
  beforeEach(() => jobs.reset());
  afterAll(() => jobs.close());
  const image = (seed: string) =>
    seededImage({ seed, layers: [{ size: 4_000 }, { size: 500, seed: 'base' }] });

  it('answers for a digest that its tag has left for as long as the history says', async () => {
    const key = jobs.key('latest');
    const [before, after] = [image('before'), image('after')];
    for (const pushed of [before, after]) {
      jobs.now = new Date(jobs.now.getTime() + 60_000); // so that no further look is due
      jobs.push(key, pushed);
      expect(await jobs.run(await jobs.job(key))).toMatchObject({ state: 'committed' });
    }
    const item = async ({ manifest: { digest } }: typeof before) =>
      (
        await jobs.stores.table.client.send(
          new GetCommand({
            TableName: jobs.stores.table.name,
            Key: { pk: `repo#docker.io/${key.repository}`, sk: `digest#${digest}` },
          }),
        )
      ).Item;
    const thirtyDays = 30 * 86_400;
    expect(await item(before)).toMatchObject({ expiresAt: jobs.now.getTime() / 1_000 + thirtyDays });
    expect(await item(after)).toMatchObject({ mapping: { digest: after.manifest.digest } });
    expect(await item(after)).not.toHaveProperty('expiresAt');
    expect(
      await lookupImage(jobs.stores.mappings, { ...key, reference: before.manifest.digest }),
    ).toMatchObject({
      digest: before.manifest.digest,
    });
  });

  it('copies the image, moves the tag and publishes the mapping', async () => {
    const key = jobs.key('1.27');
    const one = image('first');
    const bytes = 4_500 + one.config.size;
    jobs.push(key, one);
    const message = await jobs.job(key);
    jobs.now = new Date('2026-04-01T12:00:07.500Z');
    expect(await jobs.run(message)).toMatchObject({ state: 'committed' });

    expect(await jobs.record(message)).toEqual({
      id: message.job,
      key,
      event: 1,
      state: 'committed',
      trigger: 'webhook',
      receivedAt: '2026-04-01T12:00:00.000Z',
      startedAt: '2026-04-01T12:00:07.500Z',
      begunAt: '2026-04-01T12:00:07.500Z',
      finishedAt: '2026-04-01T12:00:07.500Z',
      lagMs: 7_500,
      attempts: 1,
      digest: one.manifest.digest,
      progress: { blobs: 3, totalBlobs: 3, bytes, totalBytes: bytes },
      transfer: {
        copied: { blobs: 3, bytes },
        mounted: { blobs: 0, bytes: 0 },
        present: { blobs: 0, bytes: 0 },
      },
      referrers: { copied: 0, missing: [] },
    });
    expect(await jobs.mapping(key)).toEqual({
      referrers: { copied: 0, missing: [] },
      mirrorRepository: `mirror/docker.io/${key.repository}`,
      digest: one.manifest.digest,
      sourceDigest: one.manifest.digest,
      mediaType: one.manifest.mediaType,
      platforms: ['linux/amd64'],
      sizeBytes: bytes + one.manifest.bytes.byteLength,
      pin: false,
      region: 'eu-west-1',
      observedAt: '2026-04-01T12:00:07.500Z',
      mirroredAt: '2026-04-01T12:00:07.500Z',
      job: message.job,
    });
    expect(jobs.mirror(key).tags).toEqual(new Map([['1.27', one.manifest.digest]]));
    expect(jobs.mirror(key).blobs).toEqual(jobs.upstream(key).blobs);
    expect(jobs.warnings).toEqual([]);
    expect(await jobs.parked()).toEqual([]);
  });

  it('maps the digest, too, but does not list it', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('by digest'));
    const { digest } = image('by digest').manifest;
    const { mappings } = jobs.stores;
    expect(await lookupImage(mappings, { ...key, reference: digest })).toMatchObject({
      mirror: `mirror.example/mirror/docker.io/${key.repository}@${digest}`,
      digest,
    });
    const list = await mappings.list({ registry: key.registry, repository: key.repository, limit: 10 });
    expect(list.mappings.map(({ key: { reference } }) => reference)).toEqual(['latest']);
  });

  it('copies only what the mirror lacks, and never asks upstream for what it has', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, image('old'));
    const read: string[] = [];
    jobs.upstreamChanges = {
      blob: async (blob) => {
        read.push(blob.digest);
        return inChunks(jobs.upstream(key).blobs.get(blob.digest) as Uint8Array);
      },
    };
    const next = image('new');
    const job = await jobs.mirrored(key, next);
    expect(job.transfer).toMatchObject({ copied: { blobs: 2 }, present: { blobs: 1, bytes: 500 } });
    expect(read.sort()).toEqual([next.config.digest, next.layers[0]?.digest].sort());
    expect(await jobs.mapping(key)).toMatchObject({ digest: next.manifest.digest, job: job.id });
    expect((await jobs.stores.mappings.read(key))?.revision).toBe(2);
  });

  it('is satisfied by a later look that knew of its event, without asking upstream', async () => {
    const key = jobs.key();
    jobs.push(key, image('collapsed'));
    const [first, second, third] = [await jobs.job(key), await jobs.job(key), await jobs.job(key)];
    await jobs.run(third);
    const nobody = vi.fn();
    for (const message of [first, second]) {
      expect(await jobs.run(message, { openUpstream: nobody, openMirror: nobody })).toMatchObject({
        state: 'satisfied',
      });
      expect(await jobs.record(message)).toMatchObject({
        state: 'satisfied',
        digest: image('collapsed').manifest.digest,
      });
    }
    expect(nobody).not.toHaveBeenCalled();
    const late = await jobs.job(key);
    expect(await jobs.run(late)).toMatchObject({ state: 'committed' });
  });

  it('looks again although it could be satisfied, when the policy has changed meanwhile', async () => {
    const key = jobs.key('latest', 'library/policy');
    jobs.push(key, seededIndex({ seed: 'policy', layers: [{ size: 30 }] }));
    const [first, second] = [await jobs.job(key), await jobs.job(key)];
    await jobs.run(second);
    const whole = await jobs.mapping(key);
    const { config, ...rest } = jobs.dependencies();
    const changed = structuredClone(config);
    for (const rule of changed.upstreams[0]?.repositories ?? []) rule.platforms = ['linux/arm64'];

    expect(await jobs.run(first, { ...rest, config: changed })).toMatchObject({ state: 'committed' });
    const filtered = await jobs.mapping(key);
    expect(filtered?.platforms).toEqual(['linux/arm64/v8']);
    expect(filtered?.digest).not.toBe(whole?.digest);
    expect(filtered?.sourceDigest).toBe(whole?.sourceDigest);
  });

  it('makes a smaller index if the rule names platforms, and reports both digests', async () => {
    const key = jobs.key('latest', 'library/filtered');
    const index = seededIndex({ seed: 'filtered', layers: [{ size: 60 }] });
    const job = await jobs.mirrored(key, index);
    const mapping = await jobs.mapping(key);
    expect(mapping).toMatchObject({ sourceDigest: index.manifest.digest, platforms: ['linux/amd64'] });
    expect(mapping?.digest).not.toBe(index.manifest.digest);
    expect(job.digest).toBe(mapping?.digest);
    expect(jobs.mirror(key).tags.get('latest')).toBe(mapping?.digest);
    // A request for a digest gets that one or none.
    expect(await jobs.mapping({ ...key, reference: index.manifest.digest })).toBeUndefined();
    expect(await jobs.mapping({ ...key, reference: mapping?.digest ?? '' })).toMatchObject({
      digest: mapping?.digest,
      sourceDigest: mapping?.digest,
    });
  });

  it('copies the image of a digest whole, whatever platforms the rule names', async () => {
    const index = seededIndex({ seed: 'whole', layers: [{ size: 60 }] });
    const key = jobs.key(index.manifest.digest, 'library/filtered');
    const job = await jobs.mirrored(key, index);
    expect(job).toMatchObject({ state: 'committed', digest: index.manifest.digest });
    expect(await jobs.mapping(key)).toMatchObject({
      digest: index.manifest.digest,
      sourceDigest: index.manifest.digest,
      platforms: ['linux/amd64', 'linux/arm64/v8'],
    });
    expect(jobs.mirror(key).manifests.has(index.manifest.digest)).toBe(true);
  });

  it('creates the repository before it asks for anything in it', async () => {
    const key = jobs.key();
    const mirror = jobs.mirror(key);
    const asked: string[] = [];
    jobs.mirrorChanges = {
      presentBlobs: async (blobs) => {
        asked.push('presentBlobs');
        return await mirror.presentBlobs(blobs);
      },
      tagDigest: async (tag) => {
        asked.push('tagDigest');
        return await mirror.tagDigest(tag);
      },
    };
    await jobs.mirrored(key, image('first of all'));
    expect(asked[0]).toBe('presentBlobs');
  });
});
