import { BatchDeleteImageCommand, DeleteRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { History } from '../../core/mapping/history.ts';
import { digestOf } from '../../core/oci/digest.ts';
import { type ApiJob, type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 2_000 }] });
const never = digestOf(Buffer.from('never mirrored'));

describe('history, rollback, pin and unpin by the API', () => {
  let pipeline: Pipeline;
  let ecr: ECRClient;
  beforeAll(async () => {
    pipeline = await startPipeline();
    ecr = new ECRClient({
      endpoint: pipeline.stack.registry.endpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
  });
  afterAll(async () => {
    ecr?.destroy();
    await pipeline?.[Symbol.asyncDispose]();
  });

  const history = async (reference: string) =>
    (await (await pipeline.get(`/v1/mappings/history?image=${reference}`)).json()) as History;
  /** Asks for a change and waits for its job's end. */
  async function change(name: string, body: object): Promise<ApiJob> {
    const answer = await pipeline.post(`/v1/mappings/${name}`, body);
    expect(answer.status, await answer.clone().text()).toBe(202);
    const { jobs } = (await answer.json()) as { jobs: ApiJob[] };
    expect(jobs).toHaveLength(1);
    return await pipeline.jobIn(jobs[0]?.id ?? '', 'committed', 'satisfied', 'failed');
  }
  async function refusal(name: string, body: object) {
    const answer = await pipeline.post(`/v1/mappings/${name}`, body);
    const { error } = (await answer.json()) as { error: { code: string; message: string } };
    return { status: answer.status, ...error };
  }

  it('tell what a tag was mapped to, put it back and keep it there, and let it go again', async () => {
    const [older, newer] = [image('older'), image('newer')];
    await pipeline.mirror('acme/app', '1', older);
    await pipeline.mirror('acme/app', '1', newer);
    const before = await history('ghcr.io/acme/app:1');
    expect(before.history.map(({ digest, current }) => [digest, current])).toEqual([
      [newer.manifest.digest, true],
      [older.manifest.digest, false],
    ]);

    const body = { image: 'ghcr.io/acme/app:1', digest: older.manifest.digest };
    const job = await change('rollback', body);
    expect(job).toMatchObject({ state: 'committed', trigger: 'rollback', digest: older.manifest.digest });
    expect(await pipeline.mapping('ghcr.io/acme/app:1')).toMatchObject({
      digest: older.manifest.digest,
      pin: true,
    });

    const pushed = await pipeline.mirror('acme/app', '1', image('pushed meanwhile'));
    expect(pushed.digest ?? older.manifest.digest).not.toBe(image('pushed meanwhile').manifest.digest);
    expect(await change('unpin', { image: 'ghcr.io/acme/app:1' })).toMatchObject({ state: 'committed' });
    expect(await pipeline.mapping('ghcr.io/acme/app:1')).toMatchObject({
      digest: image('pushed meanwhile').manifest.digest,
      pin: false,
    });
    expect(await change('pin', { image: 'ghcr.io/acme/app:1' })).toMatchObject({
      state: 'committed',
      trigger: 'pin',
    });
    expect((await pipeline.mapping('ghcr.io/acme/app:1'))?.pin).toBe(true);
  });

  it('answer 304 for a history that has not changed', async () => {
    await pipeline.mirror('acme/polled', '1', image('polled'));
    const path = `${pipeline.api}/v1/mappings/history?image=ghcr.io/acme/polled:1`;
    const etag = (await fetch(path)).headers.get('etag') ?? '';
    const poll = async () => (await fetch(path, { headers: { 'if-none-match': etag } })).status;
    expect(await poll()).toBe(304);
    await pipeline.mirror('acme/polled', '1', image('polled, moved'));
    expect(await poll()).toBe(200);
  });

  it('refuse a rollback to what the mirror has lost, looked up when it is asked for', async () => {
    const [lost, current] = [image('lost'), image('current')];
    await pipeline.mirror('acme/lost', '1', lost);
    await pipeline.mirror('acme/lost', '1', current);
    const repositoryName = 'mirror/ghcr.io/acme/lost';
    const imageIds = [{ imageDigest: lost.manifest.digest }];
    await ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds }));
    const body = { image: 'ghcr.io/acme/lost:1', digest: lost.manifest.digest };
    const gone = { status: 409, code: 'gone', message: expect.stringContaining('deleted') };
    expect(await refusal('rollback', body)).toMatchObject(gone);
    await ecr.send(new DeleteRepositoryCommand({ repositoryName, force: true }));
    expect(await refusal('rollback', { ...body, digest: current.manifest.digest })).toMatchObject(gone);
  });

  it('refuse what was never mirrored', async () => {
    await pipeline.mirror('acme/other', '1', image('other'));
    const notMirrored = { status: 404, code: 'not_mirrored' };
    for (const name of ['pin', 'unpin'])
      expect(await refusal(name, { image: 'ghcr.io/acme/nothing:1' })).toMatchObject(notMirrored);
    expect(await refusal('rollback', { image: 'ghcr.io/acme/nothing:1', digest: never })).toMatchObject(
      notMirrored,
    );
    expect(await refusal('rollback', { image: 'ghcr.io/acme/other:1', digest: never })).toMatchObject({
      ...notMirrored,
      message: expect.stringContaining(never),
    });
    expect((await pipeline.get('/v1/mappings/history?image=ghcr.io/acme/nothing:1')).status).toBe(404);
  });

  it.each([
    ['a reference by digest', 'pin', { image: `ghcr.io/acme/app@${never}` }, 'invalid_reference'],
    ['a tag with a digest', 'rollback', { image: `a.io/app:1@${never}`, digest: never }, 'invalid_reference'],
    ['what is not a reference', 'unpin', { image: 'UPPER/Case' }, 'invalid_reference'],
    ['no image', 'pin', {}, 'invalid_request'],
    ['what is not a digest', 'rollback', { image: 'a.io/app:1', digest: 'latest' }, 'invalid_request'],
    ['an unknown field', 'pin', { image: 'a.io/app:1', forever: true }, 'invalid_request'],
  ])('refuse %s', async (_, name, body, code) => {
    expect(await refusal(name, body)).toMatchObject({ status: 400, code });
  });

  it('say what to send instead of a digest', async () => {
    const { message } = await refusal('pin', { image: `ghcr.io/acme/app@${never}` });
    expect(message).toBe(
      `ghcr.io/acme/app@${never} names a digest, which never moves: send a tag, such as ghcr.io/acme/app:latest`,
    );
  });

  it('answer 503 while the mirror registry can’t be asked', async () => {
    await pipeline.mirror('acme/busy', '1', image('busy'));
    pipeline.stack.registry.faults.add({
      match: { operation: 'DescribeImages' },
      action: { kind: 'status', status: 503 },
    });
    const body = { image: 'ghcr.io/acme/busy:1', digest: image('busy').manifest.digest };
    expect(await refusal('rollback', body)).toMatchObject({ status: 503, code: 'mirror_unavailable' });
  });
});
