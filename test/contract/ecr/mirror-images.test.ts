import {
  BatchDeleteImageCommand,
  DeleteRepositoryCommand,
  UpdateImageStorageClassCommand,
} from '@aws-sdk/client-ecr';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EcrMirrorImages } from '../../../core/aws/ecr/mirror-images.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import type { MappedImage } from '../../../core/registry-events/ports.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import { runEcr } from './ecr-fixture.ts';

const repositoryName = 'team/app';
const imageOf = (seed: string) => seededImage({ seed, layers: [{ size: 300 }] });
const [kept, archived, deleted] = [imageOf('kept'), imageOf('archived'), imageOf('deleted')];
const keptDigest = kept.manifest.digest;
const archivedDigest = archived.manifest.digest;
const deletedDigest = deleted.manifest.digest;

/** A repository that has lost an image and a tag, and has archived another image. */
async function run() {
  const ecr = await runEcr();
  const push = (tag: string, image: typeof kept) =>
    pushImage(ecr.registry.endpoint, repositoryName, tag, image, { authorization: ecr.authorization });
  await push('kept', kept);
  await push('untagged', kept);
  await push('archived', archived);
  await push('moved', archived);
  await push('moved', kept);
  await push('deleted', deleted);
  const imageIds = [{ imageTag: 'untagged' }, { imageDigest: deletedDigest }];
  await ecr.client.send(new BatchDeleteImageCommand({ repositoryName, imageIds }));
  const archive = { repositoryName, imageId: { imageDigest: archivedDigest } };
  await ecr.client.send(new UpdateImageStorageClassCommand({ ...archive, targetStorageClass: 'ARCHIVE' }));
  const images = new EcrMirrorImages({
    endpoint: ecr.registry.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
  onTestFinished(() => images.close());
  ecr.registry.clearRequests();
  const calls = () => ecr.registry.requests.map(({ operation, path }) => operation ?? path);
  return { ...ecr, images, calls };
}

const asked: MappedImage[] = [
  { digest: keptDigest },
  { digest: keptDigest, tag: 'kept' },
  { digest: keptDigest, tag: 'untagged' },
  { digest: archivedDigest },
  { digest: archivedDigest, tag: 'archived' },
  { digest: archivedDigest, tag: 'moved' },
  { digest: deletedDigest },
  { digest: deletedDigest, tag: 'deleted' },
];
const answers = [undefined, undefined, 'untagged', 'archived', 'archived', 'archived', 'deleted', 'deleted'];
/** More than are asked for one by one. */
const many: MappedImage[] = Array.from({ length: 20 }, (_, n) => ({ digest: digestOf(Buffer.from(`${n}`)) }));

describe('a look at the images of an ECR repository', () => {
  it('tells what a few of them have lost', async () => {
    const { images, calls } = await run();
    expect(await images.losses(repositoryName, asked)).toEqual(answers);
    expect(new Set(calls())).toEqual(new Set(['DescribeImages']));
  });

  it('tells the same of many from one list', async () => {
    const { images, calls } = await run();
    const all = await images.losses(repositoryName, [...asked, ...many]);
    expect(all).toEqual([...answers, ...many.map(() => 'deleted')]);
    expect(calls()).toEqual(['DescribeImages']);
  });

  it('does not miss a tag that points to another digest: what is mapped can be pulled', async () => {
    const { images, client } = await run();
    const restored = { repositoryName, imageId: { imageDigest: archivedDigest } };
    await client.send(new UpdateImageStorageClassCommand({ ...restored, targetStorageClass: 'STANDARD' }));
    const moved = { digest: archivedDigest, tag: 'moved' };
    expect(await images.losses(repositoryName, [moved])).toEqual([undefined]);
    expect((await images.losses(repositoryName, [moved, ...many]))[0]).toBeUndefined();
  });

  it.each([1, 20])('misses everything in a repository that is gone (%i images)', async (count) => {
    const { images, client } = await run();
    await client.send(new DeleteRepositoryCommand({ repositoryName, force: true }));
    const some = [{ digest: keptDigest }, ...many].slice(0, count);
    expect(await images.losses(repositoryName, some)).toEqual(some.map(() => 'deleted'));
  });

  it.each([1, 20])('knows nothing if ECR does not answer (%i images)', async (count) => {
    const { images, registry } = await run();
    registry.faults.add({
      match: { operation: 'DescribeImages' },
      action: { kind: 'status', status: 400 },
    });
    const some = [{ digest: deletedDigest }, ...many].slice(0, count);
    await expect(images.losses(repositoryName, some)).rejects.toMatchObject({
      name: 'RegistryError',
      operation: 'DescribeImages',
    });
  });

  it('asks nothing about nothing', async () => {
    const { images, calls } = await run();
    expect(await images.losses(repositoryName, [])).toEqual([]);
    expect(calls()).toEqual([]);
  });
});
