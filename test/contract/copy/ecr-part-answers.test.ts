import { afterEach, describe, expect, it, vi } from 'vitest';
import { EcrRegistry } from '../../../core/aws/ecr/registry.ts';
import type { EcrRepository } from '../../../core/aws/ecr/repository.ts';
import { CountedSource } from '../../support/counted-source.ts';
import { MemoryCheckpoints } from '../../support/memory-checkpoints.ts';
import { blobOf } from '../../support/memory-image.ts';
import { type ScriptedAnswer, startScriptedServer } from '../../support/scripted-server.ts';
import { seededBytes } from '../../support/seeded-layer.ts';
import { plainSettings } from './subjects.ts';

const MiB = 1024 * 1024;
const layer = seededBytes('a layer of two parts', 6 * MiB);
const blob = blobOf(layer);

/** Answers of the ECR API to an upload in parts that its emulation does not give. */
describe('answers of Amazon ECR to an upload in parts', () => {
  let ecr: EcrRegistry | undefined;
  afterEach(async () => {
    await ecr?.close();
    vi.unstubAllEnvs();
  });

  /** A repository whose API calls after the token's get these answers, in this order. */
  const repositoryOf = async (...answers: [operation: string, answer: ScriptedAnswer][]) => {
    const server = await startScriptedServer();
    const authorizationToken = Buffer.from('AWS:secret').toString('base64');
    const token = ok({ authorizationData: [{ authorizationToken, proxyEndpoint: server.origin }] });
    for (const [operation, answer] of [['GetAuthorizationToken', token] as const, ...answers]) {
      const headers = { 'x-amz-target': new RegExp(`\\.${operation}$`) };
      server.expect({ request: 'POST /', headers, answer });
    }
    vi.stubEnv('AWS_ENDPOINT_URL_ECR', server.origin);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
    const checkpoints = new MemoryCheckpoints();
    ecr = new EcrRegistry('eu-west-1', plainSettings, { checkpoints });
    return { repository: await ecr.repository('mirror/app'), checkpoints, server };
  };
  const ok = (body: object): ScriptedAnswer => ({ status: 200, body });
  const refusal = (type: string, more: object = {}): ScriptedAnswer => ({
    status: 400,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: { __type: type, message: 'no', ...more },
  });
  const begun = (uploadId: string, partSize = 5 * MiB) =>
    ['InitiateLayerUpload', ok({ uploadId, partSize })] as [string, ScriptedAnswer];
  const received = (lastByteReceived?: number) =>
    ['UploadLayerPart', ok({ lastByteReceived })] as [string, ScriptedAnswer];
  const absent = [
    'BatchCheckLayerAvailability',
    ok({ layers: [{ layerDigest: blob.digest, layerAvailability: 'UNAVAILABLE' }], failures: [] }),
  ] as [string, ScriptedAnswer];
  const completed = ['CompleteLayerUpload', ok({ layerDigest: blob.digest })] as [string, ScriptedAnswer];
  const upload = (repository: EcrRepository, source = new CountedSource(layer)) => {
    if (!repository.uploadInParts) throw new Error('no upload in parts');
    return repository.uploadInParts(blob, source.open);
  };

  it('sends parts of the size that ECR gives, and names their last bytes', async () => {
    const { repository, server } = await repositoryOf(
      begun('u'),
      received(5 * MiB - 1),
      received(6 * MiB - 1),
      completed,
    );
    await upload(repository);
    const parts = server.requests.slice(2, 4).map(({ body }) => JSON.parse(body.toString()));
    expect(parts).toMatchObject([
      { uploadId: 'u', partFirstByte: 0, partLastByte: 5 * MiB - 1 },
      { uploadId: 'u', partFirstByte: 5 * MiB, partLastByte: 6 * MiB - 1 },
    ]);
    const sent = Buffer.concat(parts.map(({ layerPartBlob }) => Buffer.from(layerPartBlob, 'base64')));
    expect(sent.equals(layer)).toBe(true);
  });

  it.each([
    ['too small', 1, [5 * MiB, 1 * MiB]],
    ['too large', 1024 * MiB, [6 * MiB]],
  ])('keeps to sane parts if ECR gives a size that is %s', async (_, partSize, sizes) => {
    const answers = sizes.map(() => received());
    const { repository, server } = await repositoryOf(begun('u', partSize), ...answers, completed);
    await upload(repository);
    const parts = server.requests.slice(2, -1).map(({ body }) => JSON.parse(body.toString()));
    expect(parts.map(({ partFirstByte, partLastByte }) => partLastByte + 1 - partFirstByte)).toEqual(sizes);
  });

  it('treats a layer that exists by now as uploaded', async () => {
    const exists = refusal('LayerAlreadyExistsException');
    const { repository, checkpoints } = await repositoryOf(begun('u'), received(), received(), [
      'CompleteLayerUpload',
      exists,
    ]);
    await upload(repository);
    expect(checkpoints.size).toBe(0);
  });

  it('fails for good if other bytes arrived, and forgets the upload', async () => {
    const { repository, checkpoints } = await repositoryOf(begun('u'), received(), received(), [
      'CompleteLayerUpload',
      refusal('InvalidLayerException'),
    ]);
    await expect(upload(repository)).rejects.toMatchObject({
      name: 'RegistryError',
      side: 'mirror',
      code: 'DIGEST_INVALID',
      temporary: false,
      remedy: expect.stringContaining('again'),
    });
    expect(checkpoints.size).toBe(0);
  });

  it.each(['EmptyUploadException', 'LayerPartTooSmallException', 'UploadNotFoundException'])(
    'starts a new upload once after %s',
    async (type) => {
      const once = [received(), received(), ['CompleteLayerUpload', refusal(type)]] as [
        string,
        ScriptedAnswer,
      ][];
      const first = await repositoryOf(
        begun('a'),
        ...once,
        absent,
        begun('b'),
        received(),
        received(),
        completed,
      );
      const source = new CountedSource(layer);
      await upload(first.repository, source);
      expect(source.opened).toEqual([0, 0]);
      expect(first.checkpoints.size).toBe(0);

      const second = await repositoryOf(begun('a'), ...once, absent, begun('b'), ...once, absent);
      await expect(upload(second.repository)).rejects.toMatchObject({
        code: 'UPLOAD_LOST',
        side: 'mirror',
        temporary: true,
      });
    },
  );

  it.each([
    ['nothing', undefined],
    ['less than was sent', 3 * MiB],
    ['more than the layer has', 60 * MiB],
  ])('starts a new upload if the registry says that it holds %s', async (_, lastValidByteReceived) => {
    const { repository, server } = await repositoryOf(
      begun('a'),
      received(),
      ['UploadLayerPart', refusal('InvalidLayerPartException', { lastValidByteReceived })],
      absent,
      begun('b'),
      received(),
      received(),
      completed,
    );
    await upload(repository);
    expect(JSON.parse(server.requests.at(-1)?.body.toString() ?? '')).toMatchObject({ uploadId: 'b' });
  });

  it('continues at the byte that the registry has reached', async () => {
    const { repository, server } = await repositoryOf(
      begun('a'),
      ['UploadLayerPart', refusal('InvalidLayerPartException', { lastValidByteReceived: MiB - 1 })],
      received(6 * MiB - 1),
      completed,
    );
    const source = new CountedSource(layer);
    await upload(repository, source);
    expect(source.opened).toEqual([0, 0]);
    const last = JSON.parse(server.requests.at(-2)?.body.toString() ?? '');
    expect(last).toMatchObject({ partFirstByte: MiB, partLastByte: 6 * MiB - 1 });
  });

  it('waits for a part that is being received, and retries', async () => {
    const { repository } = await repositoryOf(
      begun('a'),
      received(),
      ['UploadLayerPart', refusal('InvalidLayerPartException', { lastValidByteReceived: 5 * MiB - 1 })],
      received(),
      completed,
    );
    await upload(repository);
  });

  it('keeps the checkpoint if the permission is missing', async () => {
    const denied = refusal('AccessDeniedException');
    const { repository, checkpoints } = await repositoryOf(begun('a'), received(), [
      'UploadLayerPart',
      denied,
    ]);
    await expect(upload(repository)).rejects.toMatchObject({
      code: 'AccessDeniedException',
      temporary: false,
      remedy: expect.stringContaining('permission'),
    });
    expect(await checkpoints.read('mirror/app', blob.digest)).toMatchObject({ offset: 5 * MiB });
  });
});
