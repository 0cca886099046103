import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mapping } from '../../core/mapping/record.ts';
import { type ApiJob, type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 3_000 }] });

describe('the API', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
    for (const tag of ['1', '2', '3']) await pipeline.mirror('acme/a', tag, image(`a${tag}`));
    await pipeline.mirror('acme/b', '1', image('b1'));
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const json = async <T>(path: string) => (await (await pipeline.get(path)).json()) as T;
  interface List {
    mappings: Mapping[];
    cursor?: string;
  }

  it('without tokens answers only programs on this machine, and no page in a browser', async () => {
    const { port } = new URL(pipeline.api);
    const status = async (headers: Record<string, string>) =>
      (await request(`${pipeline.api}/v1/webhooks`, { headers })).statusCode;
    expect(await status({ host: `localhost:${port}` })).toBe(200);
    expect(await status({ host: `[::1]:${port}` })).toBe(200);
    expect(await status({ origin: pipeline.api })).toBe(200);
    expect(await status({ host: 'drayage.tunnel.example' })).toBe(403);
    expect(await status({ host: `rebound.example:${port}` })).toBe(403);
    expect(await status({ origin: 'https://page.example' })).toBe(403);
    expect(await status({ origin: 'null' })).toBe(403);
    const page = { origin: 'https://page.example', 'content-type': 'text/plain' };
    expect((await pipeline.post('/v1/webhooks/github/rotate', '', page)).status).toBe(403);
  });

  it('lists mappings in order, page by page', async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page: List = await json(
        `/v1/mappings?limit=3${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
      );
      seen.push(...page.mappings.map((mapping) => mapping.image));
      cursor = page.cursor;
      pages += 1;
    } while (cursor);
    expect(pages).toBe(2);
    expect(seen).toEqual(['ghcr.io/acme/a:1', 'ghcr.io/acme/a:2', 'ghcr.io/acme/a:3', 'ghcr.io/acme/b:1']);
  });

  it('filters lists by registry and repository', async () => {
    const of = async (query: string) => (await json<List>(`/v1/mappings?${query}`)).mappings.length;
    expect(await of('registry=ghcr.io')).toBe(4);
    expect(await of('registry=ghcr.io&repository=acme/b')).toBe(1);
    expect(await of('repository=acme/a')).toBe(3);
    expect(await of('registry=ghcr')).toBe(0);
    expect(await of('registry=docker.io')).toBe(0);
  });

  it('gives lists an entity tag that does not change when the same images are looked at again', async () => {
    const first = await pipeline.get('/v1/mappings?repository=acme/b');
    const etag = first.headers.get('etag') ?? '';
    await pipeline.mirror('acme/b', '1', image('b1'));
    const same = await fetch(`${pipeline.api}/v1/mappings?repository=acme/b`, {
      headers: { 'if-none-match': etag },
    });
    expect(same.status).toBe(304);
    expect(await same.text()).toBe('');

    await pipeline.mirror('acme/b', '1', image('b1 moved'));
    const changed = await fetch(`${pipeline.api}/v1/mappings?repository=acme/b`, {
      headers: { 'if-none-match': etag },
    });
    expect(changed.status).toBe(200);
  });

  it('answers 304 for a single mapping that the caller has, until the tag moves', async () => {
    await pipeline.mirror('acme/polled', '1', image('polled'));
    const path = `${pipeline.api}/v1/mappings?image=ghcr.io/acme/polled:1`;
    const poll = (etag: string) => fetch(path, { headers: { 'if-none-match': `W/"other", ${etag}` } });
    const etag = (await fetch(path)).headers.get('etag') ?? '';
    const same = await poll(etag);
    expect([same.status, same.headers.get('etag'), same.headers.get('vary')]).toEqual([
      304,
      etag,
      'accept-encoding',
    ]);
    await pipeline.mirror('acme/polled', '1', image('polled, moved'));
    expect((await poll(etag)).status).toBe(200);
  });

  it.each(['gzip', 'br'])('compresses lists for callers that accept %s', async (coding) => {
    const path = `${pipeline.api}/v1/mappings?repository=acme/a`;
    const plain = await request(path, { headers: { 'accept-encoding': 'identity' } });
    const packed = await fetch(path, { headers: { 'accept-encoding': coding } });
    expect(packed.headers.get('content-encoding')).toBe(coding);
    expect(await packed.json()).toEqual(await plain.body.json());
    expect(packed.headers.get('etag')).toBe(plain.headers.etag);
  });

  it('resolves many references, each as it was written', async () => {
    const digest = image('a1').manifest.digest;
    const other = image('a2').manifest.digest;
    const images = [
      'ghcr.io/acme/a:1',
      `ghcr.io/acme/a@${digest}`,
      `ghcr.io/acme/a:1@${other}`,
      'ghcr.io/acme/nothing:1',
      'UPPER/Case:1',
      '__proto__',
      'ghcr.io/acme/a:1',
    ];
    const response = await pipeline.post('/v1/mappings/resolve', { images });
    const resolved = (await response.json()) as {
      mappings: Record<string, Mapping>;
      missing: string[];
      invalid: { image: string }[];
    };
    expect(resolved.mappings['ghcr.io/acme/a:1']?.digest).toBe(digest);
    expect(resolved.mappings[`ghcr.io/acme/a@${digest}`]?.pinned).toContain(`@${digest}`);
    expect(resolved.mappings[`ghcr.io/acme/a:1@${other}`]?.digest, 'the digest decides').toBe(other);
    expect(resolved.missing).toEqual(['ghcr.io/acme/nothing:1']);
    expect(resolved.invalid.map((entry) => entry.image).sort()).toEqual(['UPPER/Case:1', '__proto__']);
  });

  it.each([
    ['no JSON', '{', 'invalid_json'],
    ['no list', { images: 'nginx' }, 'invalid_request'],
    ['too many', { images: Array.from({ length: 1001 }, () => 'nginx') }, 'invalid_request'],
  ])('refuses to resolve %s', async (_, body, code) => {
    const response = await pipeline.post('/v1/mappings/resolve', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code } });
  });

  it('mirrors on demand, by tag and by digest', async () => {
    const wanted = image('wanted');
    await pipeline.push('acme/wanted', '1', wanted);
    const byDigest = `ghcr.io/acme/wanted@${wanted.manifest.digest}`;
    const response = await pipeline.post('/v1/mirrors', { images: ['ghcr.io/acme/wanted:1', byDigest] });
    expect(response.status).toBe(202);
    const { jobs } = (await response.json()) as { jobs: ApiJob[] };
    expect(jobs.map((job) => [job.image, job.state, job.trigger])).toEqual([
      ['ghcr.io/acme/wanted:1', 'queued', 'request'],
      [byDigest, 'queued', 'request'],
    ]);
    for (const { id } of jobs) await pipeline.jobIn(id, 'committed');
    expect((await pipeline.mapping(byDigest))?.digest).toBe(wanted.manifest.digest);
  });

  it('refuses a request with images that no rule names, and queues none of it', async () => {
    const response = await pipeline.post('/v1/mirrors', {
      images: ['ghcr.io/acme/a:1', 'quay.io/other/app:1'],
    });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: 'not_configured' } });
    expect((await json<{ jobs: ApiJob[] }>('/v1/jobs?image=quay.io/other/app:1')).jobs).toEqual([]);
  });

  it('lists jobs, newest first, by state and image and page by page', async () => {
    const { jobs, cursor } = await json<{ jobs: ApiJob[]; cursor: string }>(
      '/v1/jobs?limit=2&state=committed',
    );
    expect(jobs).toHaveLength(2);
    expect(jobs.map(({ id }) => id)).toEqual([...jobs.map(({ id }) => id)].sort().reverse());
    const next = await json<{ jobs: ApiJob[] }>(`/v1/jobs?limit=500&state=committed,failed&cursor=${cursor}`);
    expect(next.jobs.every(({ id }) => id < cursor)).toBe(true);
    const one = await json<{ jobs: ApiJob[] }>('/v1/jobs?image=ghcr.io/acme/a:2');
    expect(one.jobs.map((job) => job.image)).toEqual(['ghcr.io/acme/a:2']);
    expect(one.jobs[0]?.lagMs).toBeGreaterThan(0);
  });

  it.each([
    ['/v1/jobs?state=lost', 400, 'invalid_request'],
    ['/v1/jobs?cursor=nonsense', 400, 'invalid_cursor'],
    ['/v1/mappings?cursor=nonsense', 400, 'invalid_cursor'],
    ['/v1/mappings?limit=0', 400, 'invalid_request'],
    ['/v1/savings?days=0', 400, 'invalid_request'],
    ['/v1/savings?days=366', 400, 'invalid_request'],
    [`/v1/reconcile?registry=ghcr.io&repository=${'a'.repeat(256)}`, 400, 'invalid_request'],
    ['/v1/jobs/unknown', 404, 'not_found'],
    ['/v1/nothing', 404, 'not_found'],
    ['/v1/mirrors', 405, 'method_not_allowed'],
  ])('answers %s with %i %s', async (path, status, code) => {
    const response = await pipeline.get(path);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code, message: expect.any(String) } });
  });

  it('is healthy', async () => {
    expect((await pipeline.get('/healthz')).status).toBe(200);
  });
});

describe('the API with --auth', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({ auth: true });
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const status = async (method: string, path: string, token?: string) => {
    const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
    const body = method === 'POST' ? JSON.stringify({ images: [] }) : undefined;
    return (await fetch(`${pipeline.api}${path}`, { method, headers, body })).status;
  };

  it('lets readers read and operators write', async () => {
    const { reader, operator } = pipeline.stack.ready.tokens ?? { reader: '', operator: '' };
    expect(reader).not.toBe(operator);
    expect(await status('GET', '/v1/jobs')).toBe(401);
    expect(await status('GET', '/v1/jobs', 'wrong')).toBe(401);
    expect(await status('GET', '/v1/jobs', reader)).toBe(200);
    expect(await status('GET', '/v1/jobs', operator)).toBe(200);
    expect(await status('POST', '/v1/mappings/resolve', reader)).toBe(200);
    expect(await status('POST', '/v1/mirrors')).toBe(401);
    expect(await status('POST', '/v1/mirrors', reader)).toBe(403);
    expect(await status('POST', '/v1/mirrors', operator)).toBe(202);
    expect(await status('GET', '/healthz')).toBe(200);
  });

  it('asks for the registry password on pulls, and still verifies webhooks', async () => {
    const pull = await fetch(`http://${pipeline.stack.ready.registry}/v2/mirror/x/manifests/1`);
    expect(pull.status).toBe(401);
    expect((await pipeline.post('/webhooks/github', {})).status).toBe(401);
  });
});
