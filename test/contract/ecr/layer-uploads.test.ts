import {
  BatchCheckLayerAvailabilityCommand,
  CompleteLayerUploadCommand,
  GetDownloadUrlForLayerCommand,
  InitiateLayerUploadCommand,
  UploadLayerPartCommand,
} from '@aws-sdk/client-ecr';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../../core/oci/digest.ts';
import { pushBlob } from '../../support/push-image.ts';
import { seededBytes } from '../../support/seeded-layer.ts';
import { rejectionOf, runEcr } from './ecr-fixture.ts';

const repositoryName = 'team/app';
const MiB = 1024 * 1024;
const emptyDigest = digestOf(new Uint8Array());

/** An ECR with an upload that has begun. */
async function runUpload() {
  const ecr = await runEcr();
  const { uploadId, partSize } = await ecr.client.send(new InitiateLayerUploadCommand({ repositoryName }));
  const part = (first: number, bytes: Uint8Array, last = first + bytes.length - 1) =>
    ecr.client.send(
      new UploadLayerPartCommand({
        repositoryName,
        uploadId,
        partFirstByte: first,
        partLastByte: last,
        layerPartBlob: bytes,
      }),
    );
  const complete = (digest: Digest) =>
    ecr.client.send(new CompleteLayerUploadCommand({ repositoryName, uploadId, layerDigests: [digest] }));
  return { ...ecr, uploadId, partSize, part, complete };
}

describe('layers in the ECR API', () => {
  it('accepts a layer in parts and serves it through a link without credentials', async () => {
    const { client, partSize, part, complete, registry } = await runUpload();
    expect(partSize).toBe(10 * MiB);
    const layer = seededBytes('parts', 11 * MiB + 7);
    const digest = digestOf(layer);
    expect(await part(0, layer.subarray(0, 10 * MiB))).toMatchObject({ lastByteReceived: 10 * MiB - 1 });
    expect(await part(10 * MiB, layer.subarray(10 * MiB))).toMatchObject({
      lastByteReceived: layer.length - 1,
    });
    expect(registry.hasBlob(repositoryName, digest)).toBe(false);
    expect(await complete(digest)).toMatchObject({ layerDigest: digest });
    expect(registry.hasBlob(repositoryName, digest)).toBe(true);
    const { downloadUrl } = await client.send(
      new GetDownloadUrlForLayerCommand({ repositoryName, layerDigest: digest }),
    );
    const downloaded = Buffer.from(await (await fetch(downloadUrl ?? '')).arrayBuffer());
    expect(downloaded.equals(layer)).toBe(true);
  });

  it('accepts parts only in order, and says how far it has them', async () => {
    const { part, uploadId } = await runUpload();
    const bytes = seededBytes('order', 5 * MiB);
    await part(0, bytes);
    for (const first of [0, 5 * MiB - 1, 5 * MiB + 1]) {
      const error = await rejectionOf(part(first, bytes));
      expect(error).toMatchObject({
        name: 'InvalidLayerPartException',
        repositoryName,
        uploadId,
        lastValidByteReceived: 5 * MiB - 1,
      });
    }
  });

  it('treats the last byte as inclusive', async () => {
    const { part } = await runUpload();
    const error = await rejectionOf(part(0, seededBytes('inclusive', 100), 100));
    expect(error).toMatchObject({ name: 'InvalidLayerPartException', lastValidByteReceived: -1 });
  });

  it('refuses a part larger than the part size', async () => {
    const { part } = await runUpload();
    const error = await rejectionOf(part(0, seededBytes('large', 10 * MiB + 1)));
    expect(error.name).toBe('LimitExceededException');
  });

  it('refuses a layer with a small part that is not the last', async () => {
    const { part, complete } = await runUpload();
    const layer = seededBytes('small', 5 * MiB + 99);
    await part(0, layer.subarray(0, 100));
    await part(100, layer.subarray(100));
    expect((await rejectionOf(complete(digestOf(layer)))).name).toBe('LayerPartTooSmallException');
  });

  it('refuses a layer with another digest', async () => {
    const { part, complete, registry } = await runUpload();
    await part(0, seededBytes('one', 100));
    expect((await rejectionOf(complete(digestOf(seededBytes('another', 100))))).name).toBe(
      'InvalidLayerException',
    );
    expect(registry.hasBlob(repositoryName, digestOf(seededBytes('another', 100)))).toBe(false);
  });

  it('refuses an upload without parts', async () => {
    const { complete } = await runUpload();
    expect((await rejectionOf(complete(emptyDigest))).name).toBe('EmptyUploadException');
  });

  it('reports that a layer already exists', async () => {
    const { part, complete, registry, authorization } = await runUpload();
    const layer = seededBytes('twice', 100);
    await pushBlob(registry.endpoint, repositoryName, digestOf(layer), layer, { authorization });
    await part(0, layer);
    expect((await rejectionOf(complete(digestOf(layer)))).name).toBe('LayerAlreadyExistsException');
  });

  it('does not know an upload of another repository, or a completed one', async () => {
    const { client, part, complete } = await runUpload();
    const layer = seededBytes('done', 100);
    await part(0, layer);
    await complete(digestOf(layer));
    expect((await rejectionOf(part(100, layer))).name).toBe('UploadNotFoundException');
    const unknown = new CompleteLayerUploadCommand({
      repositoryName,
      uploadId: '../../etc',
      layerDigests: [emptyDigest],
    });
    expect((await rejectionOf(client.send(unknown))).name).toBe('UploadNotFoundException');
  });
});

describe('BatchCheckLayerAvailability', () => {
  it('reports what is available, what is missing, and what is not a digest', async () => {
    const { client, registry, authorization } = await runEcr();
    const layer = seededBytes('there', 1234);
    await pushBlob(registry.endpoint, repositoryName, digestOf(layer), layer, { authorization });
    const layerDigests = [digestOf(layer), emptyDigest, 'sha256:nonsense'];
    const answer = await client.send(
      new BatchCheckLayerAvailabilityCommand({ repositoryName, layerDigests }),
    );
    expect(answer.layers).toEqual([
      { layerDigest: digestOf(layer), layerAvailability: 'AVAILABLE', layerSize: 1234 },
      { layerDigest: emptyDigest, layerAvailability: 'UNAVAILABLE' },
    ]);
    expect(answer.failures).toMatchObject([
      { layerDigest: 'sha256:nonsense', failureCode: 'InvalidLayerDigest' },
    ]);
  });

  it('accepts 1 to 100 digests', async () => {
    const { client } = await runEcr();
    const digests = Array.from({ length: 101 }, (_, i) => digestOf(Buffer.from(`${i}`)));
    const check = (layerDigests: string[]) =>
      client.send(new BatchCheckLayerAvailabilityCommand({ repositoryName, layerDigests }));
    expect((await check(digests.slice(0, 100))).layers).toHaveLength(100);
    for (const wrong of [[], digests]) {
      expect((await rejectionOf(check(wrong))).name).toBe('InvalidParameterException');
    }
  });

  it('reports that the repository does not exist', async () => {
    const { client } = await runEcr();
    const check = client.send(
      new BatchCheckLayerAvailabilityCommand({ repositoryName: 'not/there', layerDigests: [emptyDigest] }),
    );
    expect((await rejectionOf(check)).name).toBe('RepositoryNotFoundException');
  });
});
