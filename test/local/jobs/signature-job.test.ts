import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { decideRetry } from '../../../core/jobs/decide-retry.ts';
import { scheduleLook } from '../../../core/jobs/later-look.ts';
import { runSignatureJob } from '../../../core/jobs/mirror/run-signature-job.ts';
import { LeaseError } from '../../../core/mapping/lease.ts';
import { lookupImage } from '../../../core/mapping/lookup.ts';
import type { ImageKey } from '../../../core/mapping/record.ts';
import { parsed } from '../../support/memory-image.ts';
import { MirrorJobs, upstreamError } from '../../support/mirror-jobs.ts';
import { type SeededImage, type SeededIndex, seededImage, seededIndex } from '../../support/seeded-image.ts';
import { artifactOf, cosignOf, cosignTag, holdArtifact } from '../../support/signed-image.ts';

describe('a signature job', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
    await jobs.stores.mappings.putRegistryHost('eu-west-1', 'mirror.example');
  });
  beforeEach(() => jobs.reset());
  afterAll(() => jobs.close());

  const imageOf = (seed: string) => seededImage({ seed, layers: [{ size: 300 }] });
  const subjectOf = (key: ImageKey, image: { manifest: { digest: string } }): ImageKey => ({
    ...key,
    reference: image.manifest.digest,
  });

  async function sign(subject: ImageKey) {
    const message = await jobs.job(subject, 'signature');
    const job = await jobs.record(message);
    return await runSignatureJob(job, jobs.dependencies(), new AbortController().signal);
  }

  async function mirrored(image: SeededImage | SeededIndex, key = jobs.key()) {
    await jobs.mirrored(key, image);
    return { key, subject: subjectOf(key, image) };
  }

  it('adds what was pushed later to the image in the mirror, and reports it', async () => {
    const image = imageOf('signed later');
    const { key, subject } = await mirrored(image);
    const root = parsed(image.manifest);
    const signature = holdArtifact(jobs.upstream(key), cosignOf('signature'), cosignTag(root));
    const sbom = holdArtifact(jobs.upstream(key), artifactOf('sbom', root));

    const outcome = await sign(subject);
    expect(outcome).toMatchObject({
      state: 'committed',
      changes: {
        digest: root.digest,
        transfer: { copied: { blobs: 4 } },
        referrers: { copied: 2, missing: [] },
      },
    });
    expect(jobs.mirror(key).tags.get(cosignTag(root))).toBe(signature.digest);
    expect(jobs.mirror(key).manifests.has(sbom.digest)).toBe(true);
    expect(await lookupImage(jobs.stores.mappings, subject)).toMatchObject({
      digest: root.digest,
      referrers: { copied: 2, missing: [] },
    });
    // The tag was not published again.
    expect(await lookupImage(jobs.stores.mappings, key)).toMatchObject({
      referrers: { copied: 0, missing: [] },
    });
  });

  it('looks each time, and copies what is new', async () => {
    const image = imageOf('signed twice');
    const { key, subject } = await mirrored(image);
    const root = parsed(image.manifest);
    holdArtifact(jobs.upstream(key), cosignOf('first'), cosignTag(root));
    await sign(subject);
    const both = holdArtifact(jobs.upstream(key), cosignOf('first and second'), cosignTag(root));
    await sign(subject);
    expect(jobs.mirror(key).tags.get(cosignTag(root))).toBe(both.digest);
    expect(await sign(subject)).toMatchObject({ changes: { transfer: { copied: { blobs: 0 } } } });
  });

  it('does nothing for an image that the mirror does not hold', async () => {
    const key = jobs.key();
    const image = imageOf('not mirrored');
    jobs.push(key, image);
    holdArtifact(jobs.upstream(key), cosignOf('signature'), cosignTag(parsed(image.manifest)));
    jobs.upstreamChanges = { manifest: () => Promise.reject(new Error('asked')) };
    expect(await sign(subjectOf(key, image))).toEqual({
      state: 'satisfied',
      changes: { digest: image.manifest.digest },
    });
    expect(jobs.mirror(key).manifests.size).toBe(0);
    expect(await jobs.mapping(subjectOf(key, image))).toBeUndefined();
  });

  it('does nothing if the rule leaves signatures upstream by now, and fails if there is no rule', async () => {
    const image = imageOf('unsigned');
    const { subject, key } = await mirrored(image, jobs.key('latest', 'library/unsigned'));
    holdArtifact(jobs.upstream(key), cosignOf('signature'), cosignTag(parsed(image.manifest)));
    expect(await sign(subject)).toMatchObject({ state: 'satisfied' });
    const elsewhere = { ...subject, repository: 'other/app' };
    await expect(sign(elsewhere)).rejects.toMatchObject({ code: 'not_configured' });
    await expect(sign(key)).rejects.toMatchObject({ code: 'not_a_digest' });
  });

  it('looks at the children of a signed index, and at a child that was signed by itself', async () => {
    const index = seededIndex({ seed: 'signed recursively', layers: [{ size: 100 }] });
    const { key, subject } = await mirrored(index);
    const [first, second] = index.children.map(({ manifest }) => parsed(manifest));
    if (!first || !second) throw new Error('no children');
    holdArtifact(jobs.upstream(key), cosignOf('root'), cosignTag(parsed(index.manifest)));
    holdArtifact(jobs.upstream(key), cosignOf('first'), cosignTag(first));
    expect(await sign(subject)).toMatchObject({ changes: { referrers: { copied: 2 } } });

    holdArtifact(jobs.upstream(key), cosignOf('second'), cosignTag(second));
    const child = { ...key, reference: second.digest };
    expect(await sign(child)).toMatchObject({ state: 'committed', changes: { referrers: { copied: 1 } } });
    expect(jobs.mirror(key).tags.has(cosignTag(second))).toBe(true);
    // It was mapped with its index.
    expect(await jobs.mapping(child)).toMatchObject({ referrers: { copied: 1 } });
  });

  it('reports what the mirror refuses, and is done', async () => {
    const image = imageOf('refused');
    const { key, subject } = await mirrored(image);
    const sbom = holdArtifact(jobs.upstream(key), artifactOf('sbom', parsed(image.manifest)));
    jobs.mirrorChanges = {
      putManifest: () => Promise.reject(upstreamError('UNSUPPORTED', { status: 405 })),
    };
    const missing = [{ digest: sbom.digest, code: 'UNSUPPORTED', reason: expect.stringContaining('405') }];
    expect(await sign(subject)).toMatchObject({
      state: 'committed',
      changes: { referrers: { copied: 0, missing } },
    });
    expect(await lookupImage(jobs.stores.mappings, subject)).toMatchObject({ referrers: { missing } });
  });

  it('waits and retries while something cannot be read', async () => {
    const image = imageOf('rate limited');
    const { key, subject } = await mirrored(image);
    holdArtifact(jobs.upstream(key), artifactOf('sbom', parsed(image.manifest)));
    jobs.upstreamChanges = {
      manifest: () => Promise.reject(upstreamError('TOOMANYREQUESTS', { status: 429, temporary: true })),
    };
    const error = await sign(subject).catch((thrown: unknown) => thrown);
    const message = await jobs.job(subject, 'signature');
    expect(decideRetry(error, await jobs.record(message), { now: jobs.now })).toMatchObject({
      kind: 'wait',
      why: 'rate-limit',
      error: { code: 'REFERRERS_PENDING' },
    });
    expect(await lookupImage(jobs.stores.mappings, subject)).toMatchObject({
      referrers: { copied: 0, missing: [{ code: 'TOOMANYREQUESTS', temporary: true }] },
    });
    jobs.upstreamChanges = {};
    expect(await sign(subject)).toMatchObject({ changes: { referrers: { copied: 1, missing: [] } } });
  });

  it('is requested when an image is new, because it may be signed some minutes later', async () => {
    const { key, subject } = await mirrored(imageOf('signed soon'));
    const [look, ...others] = await jobs.parkedLooks(subject);
    expect(look).toMatchObject({ notBefore: '2026-04-01T12:05:00.000Z' });
    expect(others).toEqual([]);

    // The same image once more is nothing new.
    await jobs.run(await jobs.job(key, 'redrive'));
    expect(await jobs.parkedLooks(subject)).toEqual([look]);
  });

  it('waits once for a digest, however often it is requested', async () => {
    const image = imageOf('asked for often');
    const { subject } = await mirrored(image);
    for (let i = 0; i < 3; i++)
      await scheduleLook(
        { key: { ...subject, reference: image.manifest.digest }, trigger: 'signature' },
        jobs.dependencies(),
      );
    expect(await jobs.parkedLooks(subject)).toMatchObject([{ notBefore: '2026-04-01T12:05:00.000Z' }]);
  });

  it('may be requested by a mirror job for a minute later, once the last look is done', async () => {
    const image = imageOf('asked for later');
    const { subject } = await mirrored(image);
    const [first] = await jobs.parkedLooks(subject);
    const { key, event, trigger, receivedAt } = await jobs.record({ job: first?.id ?? '' });
    await jobs.run({ job: first?.id ?? '', image: key, event, trigger, receivedAt });
    await scheduleLook(
      { key: { ...subject, reference: image.manifest.digest }, trigger: 'signature' },
      jobs.dependencies(),
    );
    const [parked, ...others] = await jobs.parkedLooks(subject);
    expect(others).toEqual([first]);
    expect(parked).toMatchObject({ notBefore: '2026-04-01T12:01:00.000Z' });
    expect(await jobs.record({ job: parked?.id ?? '' })).toMatchObject({
      key: subject,
      state: 'waiting',
      trigger: 'signature',
    });
  });

  it('is requested once by a mirror job whose tag is busy', async () => {
    const key = jobs.key();
    const image = imageOf('busy tag');
    jobs.push(key, image);
    const message = await jobs.job(key);
    for (let i = 0; i < 2; i++) {
      vi.spyOn(jobs.stores.mappings, 'acquireLease').mockRejectedValueOnce(new LeaseError(key));
      expect(await jobs.run(message)).toMatchObject({
        state: 'waiting',
        job: { error: { code: 'TAG_BUSY' } },
      });
    }
    expect(await jobs.parkedLooks({ ...key, reference: image.manifest.digest })).toHaveLength(1);
  });
});
