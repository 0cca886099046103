import { PurgeQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newJob, newJobId } from '../../core/jobs/record.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { age } from '../chaos/age.ts';
import { check } from '../chaos/check.ts';
import { callEcr, deleteImage } from '../chaos/delete-image.ts';
import { type Bundles, bundleFunctions } from '../chaos/functions.ts';
import { pruneInQuiet } from '../chaos/prune.ts';
import { calm, reconcileOnce } from '../chaos/settle.ts';
import type { StormNotes } from '../chaos/storm.ts';
import { startWorld, type World } from '../chaos/world.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';

/** Each of these makes one thing wrong, which `npm run test:chaos` must then find. */
describe('the checks of the chaos test', { timeout: 120_000 }, () => {
  let bundles: Bundles;
  let world: World;
  const notes: StormNotes = {
    pushes: 0,
    webhooks: { sent: 0, refused: 0 },
    deletedTags: 0,
    deletedImages: 0,
    deletionRequests: 0,
  };
  const push = (repository: string, tag: string, seed: string) => {
    const { ghcr } = world.upstreams.registries;
    return pushImage(ghcr.endpoint, repository, tag, seededImage({ seed, layers: [{ size: 3_000 }] }));
  };
  const violations = async () => (await check(world, notes)).violations;

  beforeAll(async () => {
    bundles = await bundleFunctions();
    world = await startWorld(1, bundles);
    calm(world);
    await push('legacy/app-1', '1.0', 'five');
    await push('acme/app-1', '1.0', 'one');
    await push('acme/app-1', '1.1', 'two');
    await push('acme/app-2', '1.0', 'one');
    await reconcileOnce(world);
    world.deploy(world.upstreams.config('second'));
    await reconcileOnce(world);
  }, 120_000);
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    bundles[Symbol.dispose]();
  });

  it('find nothing after a comparison', async () => {
    expect(await violations()).toEqual([]);
  });

  it('find content that is not what its digest says', async () => {
    // ECR redirects requests for blobs to S3.
    const off = world.mirror.faults.add({
      match: { method: 'GET', path: '/layers/' },
      action: { kind: 'corrupt' },
    });
    expect(await violations()).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^ghcr\.io\/acme\/app-1:1\.0 can't be pulled: .* has the content sha256:/),
      ]),
    );
    off();
  });

  it('find a job that has not ended, and a message that is left', async () => {
    const key = { registry: 'ghcr.io', repository: 'acme/app-1', reference: '1.0' };
    const receivedAt = world.now().toISOString();
    const job = newJob({ id: newJobId(), key, event: 1, trigger: 'webhook', receivedAt });
    await world.stores.jobs.create(job);
    const QueueUrl = world.queue.layerDeadLetterQueueUrl;
    await world.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' }));
    expect(await violations()).toEqual([
      `job ${job.id} of ghcr.io/acme/app-1:1.0 is queued`,
      'the queue layer-dead-letters has 1 messages',
    ]);
    await world.stores.jobs.update(job.id, { state: 'satisfied' });
    await world.sqs.send(new PurgeQueueCommand({ QueueUrl }));
  });

  it('find a tag that moved, and one that is gone', async () => {
    const { ghcr } = world.upstreams.registries;
    await push('acme/app-2', '1.0', 'three');
    await fetch(`${ghcr.endpoint}/v2/acme/app-1/manifests/1.1`, { method: 'DELETE' });
    expect(await violations()).toEqual([
      'ghcr.io/acme/app-1:1.1 was deleted upstream, and is still mapped',
      expect.stringMatching(/^ghcr\.io\/acme\/app-2:1\.0 is sha256:\w+ upstream, and mapped to sha256:/),
    ]);
    await reconcileOnce(world);
    expect(await violations()).toEqual([]);
  });

  it('find an image that the mirror has lost, and who has deleted it', async () => {
    world.fates.lostEvents = 1;
    // The first mapping, and the last one: no rule names its repository any more.
    for (const share of [0, 0.999])
      expect(await deleteImage(world, share)).toEqual({ isDeleted: true, requests: 1 });
    expect(await violations()).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^ghcr\.io\/acme\/app-1:1\.0 can't be pulled/),
        expect.stringMatching(/^ghcr\.io\/legacy\/app-1:1\.0 .* the mirror's tag is undefined/),
        'functions deleted images 2 times',
      ]),
    );
    notes.deletionRequests += 2;
    await reconcileOnce(world);
    expect(await violations()).toEqual([]);
  });

  it('find what no rule names', async () => {
    const { ghcr } = world.upstreams.registries;
    await fetch(`${ghcr.endpoint}/v2/secret/app-1/tags/list`);
    const authorization = world.mirror.authorization;
    const image = seededImage({ seed: 'four', layers: [{ size: 300 }] });
    await pushImage(world.mirror.endpoint, 'mirror/ghcr.io/acme/app-1', '3.0-rc1', image, { authorization });
    expect(await violations()).toEqual([
      'ghcr was asked for /v2/secret/app-1/tags/list although no rule names it',
      'the mirror has mirror/ghcr.io/acme/app-1:3.0-rc1, which the rule leaves out',
    ]);
  });

  it('find what retention must not delete, and that it has deleted nothing', async () => {
    for (const n of [1, 2, 3]) await push(`acme/filtered-${n}`, '1.0', `filtered ${n}`);
    await reconcileOnce(world);
    const known = new Set(await violations());
    const found = async () => (await violations()).filter((each) => !known.has(each));
    const aged = await age(world);
    notes.aged = aged;
    expect(await found()).toEqual(['retention has deleted nothing']);
    expect(await pruneInQuiet(world)).toEqual({ failed: 0 });
    expect(await found()).toEqual([]);

    const past = aged.needed.find(({ why }) => why.startsWith('the history of'));
    const [byHand] = aged.byHand;
    // The first ones belong to the image of the history.
    const referrer = aged.referrers.at(-1);
    const elsewhere = aged.needed.find(({ mirrorRepository }) => mirrorRepository.endsWith('/acme/app-2'));
    const broken = [past, elsewhere].map((each) => [each?.mirrorRepository, each?.digest]);
    broken.push([byHand?.repository, byHand?.digest], [referrer?.repository, referrer?.digest]);
    for (const [repositoryName, imageDigest] of broken)
      await callEcr(world, 'BatchDeleteImage', { repositoryName, imageIds: [{ imageDigest }] });
    const until = world.now().getTime() + 60_000;
    const digest = past?.digest as Digest;
    const key = { registry: 'ghcr.io', repository: 'acme/marked', reference: digest };
    await world.retiring.begin(key, { owner: 'a run that died', claim: undefined, until });
    const problems = await found();
    const [ofPast, ofElsewhere, ofByHand, ofReferrer] = broken.map(([, each]) => each);
    for (const expected of [
      `${ofPast} was deleted, although the history of ghcr`,
      `${ofPast} can't be pulled, and the history of ghcr`,
      `${ofElsewhere} is gone, and no rule lets it go`,
      `by-hand was ${ofByHand}, and is undefined`,
      `${ofReferrer} belongs to`,
      `acme/marked digest#${digest} is still marked`,
    ])
      expect(problems).toContainEqual(expect.stringContaining(expected));
  });
});
