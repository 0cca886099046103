import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type MirrorEcr, mirrorEcr } from '../../support/mirror-ecr.ts';
import { type ApiJob, type Pipeline, startPipeline } from '../../support/pipeline.ts';
import { seededImage, seededIndex } from '../../support/seeded-image.ts';

/** How soon after ECR's event a mapping must be gone. */
const promptMs = 2_000;
/** How long each deletion took to show, milliseconds. */
const delays: number[] = [];
/** How long anything else may take. */
const soon = { timeout: 20_000 };

describe('images that are deleted in the mirror', () => {
  let pipeline: Pipeline;
  let ecr: MirrorEcr;
  beforeAll(async () => {
    pipeline = await startPipeline();
    ecr = mirrorEcr(pipeline);
  });
  afterEach(() => pipeline.upstream.faults.clear());
  afterAll(async () => {
    ecr.close();
    await pipeline[Symbol.asyncDispose]();
  });

  const image = (seed: string) => seededImage({ seed, layers: [{ size: 3_000 }] });
  /** Upstream takes its time, so that a job does not bring back what was just removed. */
  const holdUp = (repository: string) =>
    pipeline.upstream.faults.add({
      match: { path: `/${repository}/` },
      action: { kind: 'slow', delayMs: 4_000 },
    });
  const mapping = (name: string) => pipeline.mapping(`ghcr.io/${name}`);
  const isMapped = async (name: string) => (await mapping(name)) !== undefined;
  const jobsOf = async (name: string) => {
    const answer = await pipeline.get(`/v1/jobs?image=${encodeURIComponent(`ghcr.io/${name}`)}`);
    return ((await answer.json()) as { jobs: ApiJob[] }).jobs;
  };
  /** The mapping goes when `change` is done. */
  const expectGone = async (name: string, change: () => Promise<void>) => {
    expect(await isMapped(name)).toBe(true);
    await change();
    const begun = performance.now();
    await expect.poll(() => isMapped(name), { ...soon, interval: 10 }).toBe(false);
    delays.push(performance.now() - begun);
  };
  const expectMirrored = async (name: string, digest: string) => {
    await expect.poll(async () => (await mapping(name))?.digest, soon).toBe(digest);
    const [repository = '', tag = ''] = name.split(':');
    expect(pipeline.stack.registry.tag(`mirror/ghcr.io/${repository}`, tag)).toBe(digest);
  };

  it('are not mapped any more, and are then mirrored again', async () => {
    const { manifest } = image('again');
    await pipeline.mirror('acme/again', '1', image('again'));
    const goOn = holdUp('acme/again');
    await expectGone('acme/again:1', () => ecr.remove('mirror/ghcr.io/acme/again', { imageTag: '1' }));
    await expect.poll(() => isMapped(`acme/again@${manifest.digest}`), soon).toBe(false);
    goOn();
    await expectMirrored('acme/again:1', manifest.digest);
    await expect.poll(() => isMapped(`acme/again@${manifest.digest}`), soon).toBe(true);
    expect((await jobsOf('acme/again:1')).map(({ trigger, state }) => [trigger, state])).toEqual([
      ['reconcile', 'committed'],
      ['webhook', 'committed'],
    ]);
  });

  it('stay gone if upstream has deleted them as well', async () => {
    await pipeline.mirror('acme/gone', '1', image('gone'));
    await fetch(`${pipeline.upstream.endpoint}/v2/acme/gone/manifests/1`, { method: 'DELETE' });
    await expectGone('acme/gone:1', () => ecr.remove('mirror/ghcr.io/acme/gone', { imageTag: '1' }));
    await expect
      .poll(async () => (await jobsOf('acme/gone:1'))[0], soon)
      .toMatchObject({
        trigger: 'reconcile',
        state: 'failed',
        error: { side: 'upstream' },
      });
    expect(await isMapped('acme/gone:1')).toBe(false);
  });

  it('are not removed again by an event that comes late, or twice', async () => {
    const { digest } = image('late').manifest;
    await pipeline.mirror('acme/late', '1', image('late'));
    await ecr.remove('mirror/ghcr.io/acme/late', { imageDigest: digest });
    await expect.poll(async () => (await mapping('acme/late:1'))?.revision, soon).toBe(3);
    const before = [await mapping('acme/late:1'), await mapping(`acme/late@${digest}`)];
    expect(before.every((one) => one?.digest === digest)).toBe(true);
    const detail = {
      result: 'SUCCESS',
      'repository-name': 'mirror/ghcr.io/acme/late',
      'image-digest': digest,
      'action-type': 'DELETE',
      'image-tag': '1',
    };
    const place = { account: '000000000000', region: 'eu-west-1' };
    const event = { source: 'aws.ecr', 'detail-type': 'ECR Image Action', ...place, detail };
    for (let n = 0; n < 12; n++) await ecr.deliver(event);
    await expect.poll(() => ecr.isSettled(), soon).toBe(true);
    expect([await mapping('acme/late:1'), await mapping(`acme/late@${digest}`)]).toEqual(before);
    expect(await jobsOf('acme/late:1')).toHaveLength(2);
  });

  it('lose the tag that was removed, and no other', async () => {
    const { digest } = image('tags').manifest;
    for (const tag of ['1', '1.0']) await pipeline.mirror('acme/tags', tag, image('tags'));
    const goOn = holdUp('acme/tags');
    await expectGone('acme/tags:1', () => ecr.remove('mirror/ghcr.io/acme/tags', { imageTag: '1' }));
    expect(await isMapped('acme/tags:1.0')).toBe(true);
    expect(await isMapped(`acme/tags@${digest}`)).toBe(true);
    goOn();
    await expectMirrored('acme/tags:1', digest);
  });

  it('lose all tags if they are archived, and are restored', async () => {
    const { digest } = image('archived').manifest;
    for (const tag of ['1', '1.0']) await pipeline.mirror('acme/archived', tag, image('archived'));
    const goOn = holdUp('acme/archived');
    await expectGone('acme/archived:1', () =>
      ecr.archive('mirror/ghcr.io/acme/archived', { imageDigest: digest }),
    );
    await expect.poll(() => isMapped('acme/archived:1.0'), soon).toBe(false);
    await expect.poll(() => isMapped(`acme/archived@${digest}`), soon).toBe(false);
    goOn();
    for (const tag of ['1', '1.0']) await expectMirrored(`acme/archived:${tag}`, digest);
    const { endpoint } = pipeline.stack.registry;
    const pulled = await fetch(`${endpoint}/v2/mirror/ghcr.io/acme/archived/manifests/1`);
    expect(pulled.status).toBe(200);
  });

  it('take the children of an index along, which come back with it', async () => {
    const index = seededIndex({ seed: 'index', layers: [{ size: 2_000 }] });
    await pipeline.mirror('acme/index', '1', index);
    const digests = [index, ...index.children].map(({ manifest }) => manifest.digest);
    const mapped = () => Promise.all(digests.map((digest) => isMapped(`acme/index@${digest}`)));
    expect(await mapped()).toEqual([true, true, true]);
    const goOn = holdUp('acme/index');
    await expectGone('acme/index:1', () => ecr.remove('mirror/ghcr.io/acme/index', { imageTag: '1' }));
    await expect.poll(mapped, soon).toEqual([false, true, true]);
    const [, ...children] = digests;
    await ecr.remove('mirror/ghcr.io/acme/index', ...children.map((imageDigest) => ({ imageDigest })));
    await expect.poll(mapped, soon).toEqual([false, false, false]);
    goOn();
    await expectMirrored('acme/index:1', index.manifest.digest);
    await expect.poll(mapped, soon).toEqual([true, true, true]);
  });

  it('are all gone with their repository', async () => {
    for (const tag of ['1', '2']) await pipeline.mirror('acme/all', tag, image(`all ${tag}`));
    const goOn = holdUp('acme/all');
    await expectGone('acme/all:1', () => ecr.removeRepository('mirror/ghcr.io/acme/all'));
    await expect.poll(() => isMapped('acme/all:2'), soon).toBe(false);
    for (const tag of ['1', '2'])
      await expect.poll(() => isMapped(`acme/all@${image(`all ${tag}`).manifest.digest}`), soon).toBe(false);
    goOn();
    for (const tag of ['1', '2'])
      await expectMirrored(`acme/all:${tag}`, image(`all ${tag}`).manifest.digest);
  });

  it('are not mapped any more within two seconds', () => {
    const median = delays.toSorted((a, b) => a - b)[Math.floor(delays.length / 2)];
    expect(delays.length).toBeGreaterThan(4);
    expect(median).toBeLessThan(promptMs);
  });
});
