import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDescriptions } from '../../core/exports/format-names.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 1_000 }] });

interface Exported {
  version: number;
  mappings: Mapping[];
}

/** Asks until the export fits; a change shows within two seconds, more on a busy machine. */
async function exportOf(
  pipeline: Pipeline,
  path: string,
  fits: (exported: Exported) => boolean,
): Promise<{ exported: Exported; response: Response }> {
  for (const until = Date.now() + 20_000; ; ) {
    const response = await pipeline.get(path);
    const text = await response.text();
    const exported = response.status === 200 ? (JSON.parse(text) as Exported) : undefined;
    if (exported && fits(exported)) return { exported, response };
    if (Date.now() > until) throw new Error(`${path}: ${response.status} ${text}\n${pipeline.logs()}`);
    await sleep(50);
  }
}

const has = (name: string) => (exported: Exported) =>
  exported.mappings.some((mapping) => mapping.image === name);

describe('GET /v1/exports', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
    for (const [repository, tag] of [
      ['acme/app', '1'],
      ['acme/app', '2'],
      ['acme/application', '1'],
    ] as const)
      await pipeline.mirror(repository, tag, image(`${repository}:${tag}`));
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const all = () => exportOf(pipeline, '/v1/exports/json', has('ghcr.io/acme/application:1'));

  it('has what the list has, in its form and order', async () => {
    const { exported, response } = await all();
    const list = (await (await pipeline.get('/v1/mappings')).json()) as Exported;
    expect(exported).toEqual({ version: 1, mappings: list.mappings });
    expect(exported.mappings).toHaveLength(3);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('cache-control')).toBe('no-cache');
  });

  it('answers 304 to whoever has the version, without a look at the table', async () => {
    const { response } = await all();
    const etag = response.headers.get('etag') ?? '';
    expect(etag).toMatch(/^W\/"[0-9a-f]{32}"$/);
    for (const tags of [etag, etag.slice(2), `"other", ${etag}`, '*']) {
      const again = await fetch(`${pipeline.api}/v1/exports/json`, { headers: { 'if-none-match': tags } });
      expect(again.status).toBe(304);
      expect(again.headers.get('etag')).toBe(etag);
      expect(await again.text()).toBe('');
    }
    const other = await fetch(`${pipeline.api}/v1/exports/json`, { headers: { 'if-none-match': 'W/"x"' } });
    expect(other.status).toBe(200);
  });

  it('is compressed with what the caller accepts, and plain for others', async () => {
    await all();
    const get = async (accept: string) => {
      const response = await fetch(`${pipeline.api}/v1/exports/json`, {
        headers: { 'accept-encoding': accept },
      });
      return { coding: response.headers.get('content-encoding'), text: await response.text() };
    };
    const [compressed, plain, other] = [
      await get('br, gzip'),
      await get('identity'),
      await get('gzip;q=0, *;q=0.1'),
    ];
    expect(compressed.coding).toBe('gzip');
    expect(plain.coding).toBeNull();
    expect(other.coding).toBe('br');
    for (const { text } of [compressed, other]) expect(text).toBe(plain.text);
  });

  it.each([
    ['registry=ghcr.io', 3],
    ['registry=docker.io', 0],
    ['registry=ghcr', 0],
    ['repository=acme/app', 2],
    ['repository=acme/application', 1],
    ['repository=app', 0],
    ['registry=ghcr.io&repository=acme/app', 2],
    ['region=eu-west-1', 3],
    ['region=us-east-1', 0],
  ])('is limited by ?%s, with a tag of its own', async (filter, count) => {
    const whole = await all();
    const response = await pipeline.get(`/v1/exports/json?${filter}`);
    const exported = (await response.json()) as Exported;
    expect(exported.mappings).toHaveLength(count);
    const list = (await (await pipeline.get(`/v1/mappings?${filter}`)).json()) as Exported;
    expect(exported.mappings).toEqual(list.mappings);
    const etag = response.headers.get('etag') ?? '';
    expect(etag).not.toBe(whole.response.headers.get('etag'));
    const again = await fetch(`${pipeline.api}/v1/exports/json?${filter}`, {
      headers: { 'if-none-match': etag },
    });
    expect(again.status).toBe(304);
  });

  it('can be had as CSV', async () => {
    await all();
    const response = await pipeline.get('/v1/exports/csv?repository=acme/application');
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    const [names, line, ...rest] = (await response.text()).split('\r\n');
    expect(names).toMatch(/^image,mirror,digest,/);
    expect(line).toMatch(/^ghcr\.io\/acme\/application:1,/);
    expect(rest).toEqual(['']);
  });

  it('answers HEAD, and refuses other methods and unknown formats', async () => {
    await all();
    const head = await fetch(`${pipeline.api}/v1/exports/json`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    expect((await pipeline.post('/v1/exports/json', {})).status).toBe(405);
    const names = Object.keys(formatDescriptions).join(', ');
    const unknown = await pipeline.get('/v1/exports/toml');
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toEqual({
      error: { code: 'unknown_format', message: `there is no such export; there are ${names}` },
    });
    expect((await pipeline.get('/v1/exports/json?registry=')).status).toBe(400);
  });

  it('shows a change, under another tag', async () => {
    const before = await all();
    await pipeline.mirror('acme/app', '2', image('moved'));
    const moved = await pipeline.mapping('ghcr.io/acme/app:2');
    const after = await exportOf(pipeline, '/v1/exports/json', ({ mappings }) =>
      mappings.some(({ digest }) => digest === moved?.digest),
    );
    expect(after.response.headers.get('etag')).not.toBe(before.response.headers.get('etag'));
  });

  it('is not stored again when a look has found nothing new', async () => {
    const { response } = await all();
    const puts = () =>
      pipeline.stack.bucket.requests.filter((line) => line === 'PUT snapshot.json.gz').length;
    const before = puts();
    const answer = await pipeline.post('/v1/mirrors', { images: ['ghcr.io/acme/app:1'] });
    const { jobs } = (await answer.json()) as { jobs: { id: string }[] };
    await pipeline.jobIn(jobs[0]?.id ?? '', 'committed', 'satisfied');
    const { snapshot } = pipeline.stack.functions;
    await expect.poll(() => snapshot.invoke({}), { timeout: 10_000 }).toMatchObject({ kind: 'unchanged' });
    expect(puts()).toBe(before);
    expect((await all()).response.headers.get('etag')).toBe(response.headers.get('etag'));
  });
});

describe('before the first snapshot', () => {
  it('asks to come back', async () => {
    await using pipeline = await startPipeline({ snapshotMs: 3_600_000 });
    const response = await pipeline.get('/v1/exports/json');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.json()).toMatchObject({ error: { code: 'not_built' } });
    await expect(pipeline.stack.functions.snapshot.invoke({})).resolves.toMatchObject({
      kind: 'stored',
      count: 0,
    });
    const built = await pipeline.get('/v1/exports/json');
    expect(await built.json()).toEqual({ version: 1, mappings: [] });
  });
});

describe('with --data', () => {
  it('the snapshot survives a restart, and names the registry by its new address', async () => {
    const data = await mkdtemp(join(tmpdir(), 'drayage-exports-'));
    try {
      const first = await startPipeline({ data });
      await first.mirror('acme/app', '1', image('kept'));
      const { exported } = await exportOf(first, '/v1/exports/json', has('ghcr.io/acme/app:1'));
      await first[Symbol.asyncDispose]();

      await using second = await startPipeline({ data, snapshotMs: 3_600_000 });
      const before = (await (await second.get('/v1/exports/json')).json()) as Exported;
      expect(before).toEqual(exported);
      await second.stack.functions.snapshot.invoke({});
      const { registry } = second.stack.ready;
      const after = await exportOf(second, '/v1/exports/json', ({ mappings }) =>
        mappings.every(({ mirror }) => mirror.startsWith(`${registry}/`)),
      );
      expect(after.exported.mappings).toHaveLength(1);
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  });
});
