import {
  CreateRepositoryCommand,
  DescribeImageScanFindingsCommand,
  ECRClient,
  StartImageScanCommand,
} from '@aws-sdk/client-ecr';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EcrImageScans } from '../../../core/aws/ecr/scans/image-scans.ts';
import { type EmbeddedRegistry, type RegistryEvent, startRegistry } from '../../../local/ecr/server.ts';
import { pushImage, seededImage, seededIndex } from '../../support/seeded-image.ts';

const unscanned = 'mirror/unscanned';
const scanned = 'mirror/scanned';
const image = (seed: string) => seededImage({ seed, layers: [{ size: 500 }] });

describe('scans of images in ECR', () => {
  let registry: EmbeddedRegistry;
  let client: ECRClient;
  let scans: EcrImageScans;
  const events: RegistryEvent[] = [];
  beforeAll(async () => {
    registry = await startRegistry({ flavour: 'ecr', events: (event) => void events.push(event) });
    const config = {
      endpoint: registry.endpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    };
    client = new ECRClient(config);
    scans = new EcrImageScans({ ...config, maxAttempts: 1 });
    for (const repositoryName of [unscanned, scanned]) {
      const imageScanningConfiguration = { scanOnPush: repositoryName === scanned };
      await client.send(new CreateRepositoryCommand({ repositoryName, imageScanningConfiguration }));
    }
  });
  afterEach(() => {
    registry.scans.outcomeOf = () => ({ status: 'COMPLETE', counts: {} });
    registry.faults.clear();
    events.length = 0;
  });
  afterAll(async () => {
    client.destroy();
    scans.close();
    await registry.stop();
  });

  const push = async (repository: string, one: Parameters<typeof pushImage>[3], tag = 'latest') => {
    await pushImage(registry.endpoint, repository, tag, one, { authorization: registry.authorization });
    return one.manifest.digest;
  };

  it('begin on push if the repository says so, and are told of when they end', async () => {
    registry.scans.outcomeOf = () => undefined;
    const digest = await push(scanned, image('a'));
    expect(await scans.result(scanned, digest)).toEqual({ kind: 'pending', reason: 'it is IN_PROGRESS' });
    registry.scans.finish({ repository: scanned, digest }, { status: 'COMPLETE', counts: { HIGH: 2 } });
    expect(await scans.result(scanned, digest)).toEqual({ kind: 'complete', counts: new Map([['HIGH', 2]]) });
    expect(events.at(-1)).toMatchObject({
      source: 'aws.ecr',
      'detail-type': 'ECR Image Scan',
      detail: {
        'scan-status': 'COMPLETE',
        'repository-name': scanned,
        'finding-severity-counts': { HIGH: 2 },
        'image-digest': digest,
      },
    });
  });

  it('are begun where nothing else has, and only once a day', async () => {
    registry.scans.outcomeOf = () => undefined;
    const digest = await push(unscanned, image('b'));
    const asked = new DescribeImageScanFindingsCommand({
      repositoryName: unscanned,
      imageId: { imageDigest: digest },
    });
    await expect(client.send(asked)).rejects.toMatchObject({ name: 'ScanNotFoundException' });
    expect(await scans.result(unscanned, digest)).toEqual({ kind: 'pending', reason: 'it has just begun' });
    const again = new StartImageScanCommand({ repositoryName: unscanned, imageId: { imageDigest: digest } });
    await expect(client.send(again)).rejects.toMatchObject({ name: 'LimitExceededException' });
    registry.scans.finish({ repository: unscanned, digest }, { status: 'COMPLETE', counts: {} });
    expect(await scans.result(unscanned, digest)).toEqual({ kind: 'complete', counts: new Map() });
  });

  it('do not exist for indexes and artifacts', async () => {
    const digest = await push(scanned, seededIndex({ seed: 'i', layers: [{ size: 500 }] }));
    expect(await scans.result(scanned, digest)).toEqual({
      kind: 'unavailable',
      reason: 'Amazon ECR can’t scan images of this type',
    });
  });

  it('have no result if they fail', async () => {
    registry.scans.outcomeOf = () => ({ status: 'UNSUPPORTED_IMAGE', description: 'no\npackages' });
    const digest = await push(scanned, image('c'));
    expect(await scans.result(scanned, digest)).toEqual({
      kind: 'unavailable',
      reason: 'it is UNSUPPORTED_IMAGE (no packages)',
    });
  });

  it('are unknown of images that are not there', async () => {
    const { digest } = image('absent').manifest;
    await expect(scans.result(scanned, digest)).rejects.toMatchObject({
      side: 'mirror',
      code: 'ImageNotFoundException',
    });
    await expect(scans.result('mirror/none', digest)).rejects.toMatchObject({
      code: 'RepositoryNotFoundException',
    });
  });
});
