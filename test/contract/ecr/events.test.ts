import {
  BatchCheckLayerAvailabilityCommand,
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  DeleteRepositoryCommand,
  DescribeImagesCommand,
  type ImageIdentifier,
  UpdateImageStorageClassCommand,
} from '@aws-sdk/client-ecr';
import { describe, expect, it } from 'vitest';
import type { RegistryEvent } from '../../../local/ecr/server.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import { runEcr } from './ecr-fixture.ts';

const repositoryName = 'team/app';
const image = seededImage({ seed: 'image', layers: [{ size: 300 }, { size: 200, seed: 'shared' }] });
const other = seededImage({ seed: 'other', layers: [{ size: 100 }, { size: 200, seed: 'shared' }] });
const { digest } = image.manifest;

/** A repository with both images, and what the registry tells from now on. */
async function run() {
  const told: RegistryEvent[] = [];
  const ecr = await runEcr({ events: (event) => told.push(event) });
  const push = (tag: string, what = image) =>
    pushImage(ecr.registry.endpoint, repositoryName, tag, what, { authorization: ecr.authorization });
  await push('1');
  await push('2');
  await push('other', other);
  told.length = 0;
  const remove = (...imageIds: ImageIdentifier[]) =>
    ecr.client.send(new BatchDeleteImageCommand({ repositoryName, imageIds }));
  const archive = (targetStorageClass: 'ARCHIVE' | 'STANDARD') =>
    ecr.client.send(
      new UpdateImageStorageClassCommand({ repositoryName, imageId: { imageTag: '1' }, targetStorageClass }),
    );
  return { ...ecr, told, details: () => told.map(({ detail }) => detail), push, remove, archive };
}

const action = (type: string, tag?: string) => ({
  result: 'SUCCESS',
  'repository-name': repositoryName,
  'image-digest': digest,
  'action-type': type,
  ...(tag !== undefined && { 'image-tag': tag }),
});

describe('the events of the embedded ECR', () => {
  it('have the form of the documentation', async () => {
    const { told, remove } = await run();
    await remove({ imageTag: '1' });
    expect(told).toEqual([
      {
        version: '0',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        'detail-type': 'ECR Image Action',
        source: 'aws.ecr',
        account: '000000000000',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        region: 'eu-west-1',
        resources: [],
        detail: action('DELETE', '1'),
      },
    ]);
  });

  it('tell of each tag of a deleted image, and of an image without a tag', async () => {
    const { details, remove, push } = await run();
    await remove({ imageDigest: digest });
    await push(digest);
    await remove({ imageDigest: digest }, { imageTag: 'never' });
    expect(details()).toEqual([
      action('DELETE', '1'),
      action('DELETE', '2'),
      action('PUSH'),
      action('DELETE'),
    ]);
  });

  it('tell of pushes, archived and restored images, each once', async () => {
    const { details, archive, push } = await run();
    await push('3');
    for (const storage of ['ARCHIVE', 'ARCHIVE', 'STANDARD', 'STANDARD'] as const) await archive(storage);
    const changed = { 'action-type': 'UPDATE_STORAGE_CLASS', 'image-digest': digest };
    expect(details()).toMatchObject([
      action('PUSH', '3'),
      { ...changed, 'target-storage-class': 'ARCHIVE' },
      { ...changed, 'target-storage-class': 'STANDARD', 'last-activated-at': expect.any(String) },
    ]);
    for (const detail of details().slice(1)) expect(detail).not.toHaveProperty('image-tag');
  });

  it('tell of a deleted repository as CloudTrail does', async () => {
    const { told, client } = await run();
    await client.send(new DeleteRepositoryCommand({ repositoryName, force: true }));
    expect(told).toMatchObject([
      {
        'detail-type': 'AWS API Call via CloudTrail',
        detail: { eventName: 'DeleteRepository', requestParameters: { repositoryName, force: true } },
      },
    ]);
  });
});

describe('an archived image', () => {
  it('is still described, but can’t be pulled', async () => {
    const { archive, client, v2 } = await run();
    expect(await archive('ARCHIVE')).toMatchObject({
      imageId: { imageDigest: digest, imageTag: '1' },
      imageStatus: 'ARCHIVED',
    });
    for (const reference of ['1', '2', digest])
      expect((await v2(`team/app/manifests/${reference}`)).status).toBe(404);
    const pulled = await client.send(
      new BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag: '1' }] }),
    );
    expect(pulled.failures).toMatchObject([{ failureCode: 'ImageNotFound' }]);
    const statuses = async (imageStatus?: 'ANY' | 'ARCHIVED') => {
      const filter = imageStatus && { filter: { imageStatus } };
      const { imageDetails = [] } = await client.send(
        new DescribeImagesCommand({ repositoryName, ...filter }),
      );
      return imageDetails.map((detail) => detail.imageStatus).sort();
    };
    expect(await statuses()).toEqual(['ACTIVE']);
    expect(await statuses('ARCHIVED')).toEqual(['ARCHIVED']);
    expect(await statuses('ANY')).toEqual(['ACTIVE', 'ARCHIVED']);
  });

  it('takes the layers along that no other image names, and a push brings all of it back', async () => {
    const { archive, client, push, v2 } = await run();
    const layerDigests = image.layers.map((layer) => layer.digest);
    const availability = async () => {
      const { layers = [] } = await client.send(
        new BatchCheckLayerAvailabilityCommand({ repositoryName, layerDigests }),
      );
      return layers.map((layer) => layer.layerAvailability);
    };
    await archive('ARCHIVE');
    expect(await availability()).toEqual(['ARCHIVED', 'AVAILABLE']);
    expect((await v2(`team/app/blobs/${layerDigests[0]}`)).status).toBe(404);
    await push('1');
    expect(await availability()).toEqual(['AVAILABLE', 'AVAILABLE']);
    expect((await v2('team/app/manifests/2')).status).toBe(200);
  });
});
