import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage, seededIndex } from '../support/seeded-image.ts';

describe('from webhook to mapping', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const base = { size: 2_000_000, seed: 'base' };

  it('mirrors a single image and says where it is', async () => {
    const image = seededImage({ seed: 'shop-1', layers: [base, { size: 10_000 }] });
    const job = await pipeline.mirror('acme/shop', '1.0', image);

    expect(job).toMatchObject({
      state: 'committed',
      trigger: 'webhook',
      digest: image.manifest.digest,
      attempts: 1,
    });
    expect(job.transfer?.copied).toEqual({ blobs: 3, bytes: 2_010_000 + image.config.size });
    const mapping = await pipeline.mapping('ghcr.io/acme/shop:1.0');
    const { registry } = pipeline.stack.ready;
    expect(mapping).toMatchObject({
      image: 'ghcr.io/acme/shop:1.0',
      mirror: `${registry}/mirror/ghcr.io/acme/shop:1.0`,
      pinned: `${registry}/mirror/ghcr.io/acme/shop@${image.manifest.digest}`,
      digest: image.manifest.digest,
      sourceDigest: image.manifest.digest,
      mediaType: image.manifest.mediaType,
      platforms: ['linux/amd64'],
      sizeBytes: 2_010_000 + image.config.size + image.manifest.bytes.byteLength,
      pin: false,
      revision: 1,
      job: job.id,
    });
    expect(pipeline.stack.registry.tag('mirror/ghcr.io/acme/shop', '1.0')).toBe(image.manifest.digest);
  });

  it('copies only what is missing, and never asks upstream for a blob that the mirror has', async () => {
    const image = seededImage({ seed: 'shop-2', layers: [base, { size: 20_000 }] });
    pipeline.upstream.clearRequests();
    const job = await pipeline.mirror('acme/shop', '2.0', image);

    expect(job.transfer).toMatchObject({ copied: { blobs: 2 }, present: { blobs: 1, bytes: base.size } });
    const blobReads = pipeline.upstream.requests.filter(
      ({ method, path }) => method === 'GET' && path.includes('/blobs/'),
    );
    expect(blobReads.map(({ path }) => path.split('/').at(-1)).sort()).toEqual(
      [image.config.digest, image.layers[1]?.digest].sort(),
    );
  });

  it('mirrors an index with its children, and preserves its digest', async () => {
    const index = seededIndex({ seed: 'multi', layers: [{ size: 5_000 }, { size: 300 }] });
    const job = await pipeline.mirror('acme/multi', 'v1', index);

    expect(job).toMatchObject({ state: 'committed', digest: index.manifest.digest });
    expect((await pipeline.mapping('ghcr.io/acme/multi:v1'))?.platforms).toEqual([
      'linux/amd64',
      'linux/arm64/v8',
    ]);
    for (const child of index.children) {
      expect(pipeline.stack.registry.hasManifest('mirror/ghcr.io/acme/multi', child.manifest.digest)).toBe(
        true,
      );
    }
  });

  it('makes a smaller index if the rule names platforms, and reports both digests', async () => {
    const index = seededIndex({ seed: 'filtered', layers: [{ size: 4_000 }] });
    await pipeline.mirror('acme/filtered', 'v1', index);

    const mapping = await pipeline.mapping('ghcr.io/acme/filtered:v1');
    expect(mapping).toMatchObject({ sourceDigest: index.manifest.digest, platforms: ['linux/amd64'] });
    expect(mapping?.digest).not.toBe(index.manifest.digest);
    const byDigest = await pipeline.mapping(`ghcr.io/acme/filtered@${index.manifest.digest}`);
    expect(byDigest, 'a digest is never answered with another one').toBeUndefined();
    expect((await pipeline.mapping(`ghcr.io/acme/filtered@${mapping?.digest}`))?.digest).toBe(
      mapping?.digest,
    );
  });

  it('follows a tag that moves, and raises the revision', async () => {
    await pipeline.mirror(
      'acme/moving',
      'latest',
      seededImage({ seed: 'before', layers: [{ size: 3_000 }] }),
    );
    const after = seededImage({ seed: 'after', layers: [{ size: 3_000 }] });
    await pipeline.mirror('acme/moving', 'latest', after);

    expect(await pipeline.mapping('ghcr.io/acme/moving')).toMatchObject({
      digest: after.manifest.digest,
      revision: 2,
    });
  });

  it('looks once more, a minute later, when an event shows nothing new', async () => {
    const image = seededImage({ seed: 'same', layers: [{ size: 3_000 }] });
    await pipeline.mirror('acme/same', '1', image);
    const again = await pipeline.mirror('acme/same', '1', image);
    const third = await pipeline.mirror('acme/same', '1', image);

    expect([again.state, third.state]).toEqual(['committed', 'committed']);
    expect(again.transfer).toMatchObject({ copied: { blobs: 0 }, present: { blobs: 2 } });
    expect(await pipeline.mapping('ghcr.io/acme/same:1')).toMatchObject({ revision: 1 });
    const answer = await pipeline.get(
      `/v1/jobs?state=waiting&image=${encodeURIComponent('ghcr.io/acme/same:1')}`,
    );
    const { jobs } = (await answer.json()) as { jobs: { trigger: string; notBefore: string }[] };
    expect(jobs, 'at most one look waits').toHaveLength(1);
    expect(jobs[0]).toMatchObject({ trigger: 'recheck' });
  });

  it('takes three requests when there is nothing to do, apart from the published mapping', async () => {
    const image = seededImage({ seed: 'idle', layers: [{ size: 3_000 }] });
    await pipeline.mirror('acme/idle', '1', image);
    pipeline.upstream.clearRequests();
    pipeline.stack.registry.clearRequests();
    const answer = await pipeline.github('acme/idle', '1');
    const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
    await pipeline.jobIn(accepted[0]?.job ?? '', 'committed');

    expect(pipeline.upstream.requests.map(({ method }) => method)).toEqual(['GET']);
    // Each instance of the function reads the settings of the repository once an hour.
    const isSetting = /^(?:DescribeRepositories|Get\w+Policy)$/;
    const { requests } = pipeline.stack.registry;
    expect(requests.filter(({ operation }) => !isSetting.test(operation ?? '')).length).toBeLessThanOrEqual(
      2,
    );
  });
});
