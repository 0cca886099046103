import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { githubHeaders, githubPayload, type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

describe('bad input', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const signed = (body: string) =>
    pipeline.post(
      '/webhooks/github',
      body,
      githubHeaders(body, pipeline.stack.ready.webhooks.github?.secret ?? ''),
    );
  const codeOf = async (response: Response) =>
    ((await response.json()) as { error: { code: string } }).error.code;
  const jobCount = async () =>
    ((await (await pipeline.get('/v1/jobs')).json()) as { jobs: unknown[] }).jobs.length;

  it.each([
    ['an unknown name', '/webhooks/nobody'],
    ['a wrong path token', '/webhooks/hub/wrong'],
    ['no path token', '/webhooks/hub'],
    ['an unexpected path token', '/webhooks/github/token'],
  ])('answers 404 to %s', async (_, path) => {
    const response = await pipeline.post(path, {});
    expect(response.status).toBe(404);
    expect(await codeOf(response)).toBe('not_found');
  });

  it.each([
    ['wrong', 'sha256=0000000000000000000000000000000000000000000000000000000000000000'],
    ['empty', ''],
    ['bare', 'sha256='],
  ])('answers 401 to a %s signature and queues nothing', async (_, signature) => {
    const before = await jobCount();
    const response = await pipeline.post('/webhooks/github', githubPayload('acme/shop', '1'), {
      'x-github-event': 'package',
      'x-hub-signature-256': signature,
    });
    expect(response.status).toBe(401);
    expect(await jobCount()).toBe(before);
  });

  it('answers 400 to an authentic body that is not JSON', async () => {
    expect((await signed('{"action":')).status).toBe(400);
  });

  it('answers 413 above 1 MiB', async () => {
    const body = JSON.stringify({ padding: 'x'.repeat(1024 * 1024) });
    expect((await signed(body)).status).toBe(413);
  });

  it('answers 202 to authentic JSON that makes no sense, and names the path', async () => {
    const payload = githubPayload('acme/shop', '1') as Record<string, unknown>;
    const response = await signed(
      JSON.stringify({ ...payload, package: { ...(payload.package as object), name: 7 } }),
    );
    expect(response.status).toBe(202);
    const { accepted, ignored } = (await response.json()) as {
      accepted: unknown[];
      ignored: { reason: string }[];
    };
    expect(accepted).toEqual([]);
    expect(ignored[0]?.reason).toMatch(/^malformed: package\.name/);
  });

  it('ignores an image that no rule names, and never contacts upstream', async () => {
    pipeline.upstream.clearRequests();
    for (const [repository, tag] of [
      ['other/app', '1'],
      ['acme/app', '2-rc1'],
    ] as const) {
      const response = await pipeline.github(repository, tag);
      expect(response.status).toBe(202);
      const body = (await response.json()) as { accepted: unknown[]; ignored: { reason: string }[] };
      expect(body).toMatchObject({
        accepted: [],
        ignored: [{ reason: expect.stringMatching(/^not_configured: /) }],
      });
    }
    expect(pipeline.upstream.requests).toEqual([]);
  });

  it('makes a job wait if its image is not there yet, and continues with the group', async () => {
    await pipeline.push('acme/shop', 'other', seededImage({ seed: 'other', layers: [{ size: 3_000 }] }));
    const answer = await pipeline.github('acme/shop', 'missing');
    const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
    const waiting = await pipeline.jobIn(accepted[0]?.job ?? '', 'waiting');
    expect(waiting.error).toMatchObject({ code: 'MANIFEST_UNKNOWN', side: 'upstream' });
    expect(waiting.error?.remedy).not.toBe('');

    const job = await pipeline.mirror(
      'acme/shop',
      '1',
      seededImage({ seed: 'next', layers: [{ size: 3_000 }] }),
    );
    expect(job.state).toBe('committed');
  });

  it('commits nothing of an image with a damaged blob, and keeps the old mapping', async () => {
    const good = seededImage({ seed: 'good', layers: [{ size: 3_000 }] });
    await pipeline.mirror('acme/damaged', '1', good);
    const bad = seededImage({ seed: 'bad', layers: [{ size: 4_000 }] });
    const remove = pipeline.upstream.faults.add({
      match: { method: 'GET', path: bad.layers[0]?.digest },
      action: { kind: 'corrupt' },
    });
    const job = await pipeline.mirror('acme/damaged', '1', bad);
    remove();

    expect(job).toMatchObject({ state: 'failed', error: { code: 'DIGEST_INVALID', side: 'upstream' } });
    expect(pipeline.stack.registry.hasManifest('mirror/ghcr.io/acme/damaged', bad.manifest.digest)).toBe(
      false,
    );
    expect(await pipeline.mapping('ghcr.io/acme/damaged:1')).toMatchObject({
      digest: good.manifest.digest,
      revision: 1,
    });
  });

  it('answers 404 not_mirrored for what was never published, and 400 for what is not a reference', async () => {
    const missing = await pipeline.get('/v1/mappings?image=ghcr.io/acme/never:1');
    expect([missing.status, await codeOf(missing)]).toEqual([404, 'not_mirrored']);
    const invalid = await pipeline.get('/v1/mappings?image=Not%20A%20Reference');
    expect([invalid.status, await codeOf(invalid)]).toEqual([400, 'invalid_reference']);
  });

  it('never logs a secret', async () => {
    await pipeline.post(new URL(pipeline.stack.ready.webhooks.hub?.url ?? '').pathname, { repository: 1 });
    const secrets = [
      pipeline.stack.ready.webhooks.github?.secret ?? '',
      pipeline.stack.ready.webhooks.hub?.url.split('/').at(-1) ?? '',
      pipeline.stack.registryPassword,
    ];
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(20);
      expect(pipeline.logs()).not.toContain(secret);
    }
  });

  it('answers 503 while the queue is down, and does not lose the job', async () => {
    await pipeline.push('acme/late', '1', seededImage({ seed: 'late', layers: [{ size: 3_000 }] }));
    await pipeline.stack.queue.stop();
    const response = await pipeline.github('acme/late', '1');
    expect(response.status).toBe(503);
    expect(await codeOf(response)).toBe('not_queued');
    const waiting = (await (
      await pipeline.get('/v1/jobs?state=waiting&image=ghcr.io/acme/late:1')
    ).json()) as {
      jobs: unknown[];
    };
    expect(waiting.jobs, 'parked for the schedule').toHaveLength(1);
  });
});
