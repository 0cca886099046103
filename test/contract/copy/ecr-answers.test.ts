import { afterEach, describe, expect, it, vi } from 'vitest';
import { EcrRegistry } from '../../../core/aws/ecr/registry.ts';
import { blobOf } from '../../support/memory-image.ts';
import {
  type ScriptedAnswer,
  type ScriptedStep,
  startScriptedServer,
} from '../../support/scripted-server.ts';
import { plainSettings } from './subjects.ts';

/** Answers of the ECR API that its emulation does not give. */
describe('answers of Amazon ECR', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  /** A repository whose API calls after the token's get these answers. */
  const repositoryOf = (...answers: ScriptedAnswer[]) => scripted(answers);
  const scripted = async (answers: ScriptedAnswer[], more: ScriptedStep[] = []) => {
    const server = await startScriptedServer();
    const token = Buffer.from('AWS:secret').toString('base64');
    server.expect(
      {
        request: 'POST /',
        answer: {
          status: 200,
          body: { authorizationData: [{ authorizationToken: token, proxyEndpoint: server.origin }] },
        },
      },
      ...answers.map((answer) => ({ request: 'POST /', answer })),
      ...more,
    );
    vi.stubEnv('AWS_ENDPOINT_URL_ECR', server.origin);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
    return await new EcrRegistry('eu-west-1', plainSettings).repository('mirror/app');
  };
  const refusal = (type: string, message = 'no') => ({
    status: 400,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: { __type: type, message },
  });

  it('treats an archived layer as missing', async () => {
    const [there, archived, gone] = ['there', 'archived', 'gone'].map((name) => blobOf(name));
    if (!there || !archived || !gone) throw new Error('no blobs');
    const repository = await repositoryOf({
      status: 200,
      body: {
        layers: [
          { layerDigest: there.digest, layerAvailability: 'AVAILABLE' },
          { layerDigest: archived.digest, layerAvailability: 'ARCHIVED' },
        ],
        failures: [{ layerDigest: gone.digest, failureCode: 'MissingLayerDigest' }],
      },
    });
    expect(await repository.presentBlobs([there, archived, gone])).toEqual(new Set([there.digest]));
  });

  it.each([
    ['may be created', { status: 200, body: { repository: {} } }],
    ['exists', refusal('RepositoryAlreadyExistsException')],
    ['may not be created either', refusal('AccessDeniedException')],
  ])('asks about each layer if the batch check is denied, and the repository %s', async (_, creation) => {
    const blobs = ['there', 'gone'].map((name) => blobOf(name));
    const heads = ([200, 404] as const).map((status, n) => ({
      request: `HEAD /v2/mirror/app/blobs/${blobs[n]?.digest}`,
      answer: { status, headers: { 'content-length': status === 200 ? String(blobs[n]?.size) : '0' } },
    }));
    const repository = await scripted(
      [
        refusal('AccessDeniedException', 'not authorized to perform: ecr:BatchCheckLayerAvailability'),
        creation,
      ],
      heads,
    );
    expect(await repository.presentBlobs(blobs)).toEqual(new Set([blobs[0]?.digest]));
  });

  it('accepts a layer whose size is not reported', async () => {
    const blob = blobOf('untold');
    const repository = await repositoryOf({
      status: 200,
      body: { layers: [{ layerDigest: blob.digest, layerAvailability: 'AVAILABLE' }], failures: [] },
    });
    expect(await repository.presentBlobs([blob])).toEqual(new Set([blob.digest]));
  });

  it('fails with a remedy for a digest that ECR does not accept', async () => {
    const repository = await repositoryOf({
      status: 200,
      body: {
        failures: [
          { layerDigest: blobOf('x').digest, failureCode: 'InvalidLayerDigest', failureReason: 'odd' },
        ],
      },
    });
    await expect(repository.presentBlobs([blobOf('x')])).rejects.toMatchObject({
      code: 'InvalidLayerDigest',
      reference: blobOf('x').digest,
      temporary: false,
      remedy: expect.stringContaining('sha256'),
    });
  });

  it.each([
    ['AccessDeniedException', 'permission'],
    ['InvalidParameterException', 'repositoryPrefix'],
  ])('fails for good with %s, and says what helps', async (type, remedy) => {
    const repository = await repositoryOf(refusal(type));
    // Without blobs it only creates the repository.
    await expect(repository.presentBlobs([])).rejects.toMatchObject({
      side: 'mirror',
      code: type,
      temporary: false,
      remedy: expect.stringContaining(remedy),
    });
  });

  it('fails for good if the repository cannot be created as configured', async () => {
    const repository = await repositoryOf(refusal('RepositoryNotFoundException'), refusal('KmsException'));
    await expect(repository.presentBlobs([blobOf('x')])).rejects.toMatchObject({
      operation: 'CreateRepository',
      code: 'KmsException',
      temporary: false,
      remedy: expect.stringContaining('kmsKey'),
    });
  });

  it('treats a repository that exists by now as created', async () => {
    const repository = await repositoryOf(
      refusal('RepositoryNotFoundException'),
      refusal('RepositoryAlreadyExistsException'),
    );
    expect(await repository.presentBlobs([blobOf('x')])).toEqual(new Set());
  });
});
