import { createHash } from 'node:crypto';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDocument } from '../../core/exports/document.ts';
import { Exporter } from '../../core/exports/exporter.ts';
import { snapshotKey } from '../../core/exports/snapshot-store.ts';
import { type Mapping, presentMapping } from '../../core/mapping/record.ts';
import { ApiDeployment } from '../../lambda/api/api-deployment.ts';
import { createHandler } from '../../lambda/api/handler.ts';
import { type HttpApi, startHttpApi } from '../../local/http-api.ts';
import { startTestBucket, type TestBucket } from '../support/local-bucket.ts';
import { keyOf, mappingOf } from '../support/local-stores.ts';
import { pipelineConfig } from '../support/pipeline.ts';

/** Mappings whose text can't be compressed much: together about 7 MB, as gzip 5 MB. */
async function* largeMappings(registries: string[]): AsyncGenerator<Mapping> {
  for (const registry of registries) {
    for (let n = 0; n < 1_500; n++) {
      const noise = Array.from({ length: 25 }, (_, part) =>
        createHash('sha512').update(`${registry} ${n} ${part}`).digest('base64'),
      );
      const mapping = mappingOf(`${n}`, { job: noise.join('') });
      const key = keyOf(`v${n}`, 'library/large', registry);
      const presented = presentMapping({ key, revision: 1, mapping }, { 'eu-west-1': 'mirror.example' });
      if (presented) yield presented;
    }
  }
}

describe('exports that do not fit into an answer', () => {
  let test: TestBucket;
  let api: HttpApi;
  beforeAll(async () => {
    test = await startTestBucket();
    const { gzip, content, textBytes } = await writeDocument(largeMappings(['docker.io', 'ghcr.io']));
    const notes = { content, 'text-bytes': String(textBytes) };
    await test.store.put(snapshotKey, { gzip, contentType: 'application/json', notes }, undefined);
    api = await startApi(32_000_000);
  });
  afterAll(async () => {
    await api.close();
    await test[Symbol.asyncDispose]();
  });

  /** The API without a table and a queue: whatever asks for one fails. */
  async function startApi(cacheBytes: number): Promise<HttpApi> {
    const exporter = new Exporter(test.store, { freshMs: 5_000, cacheBytes });
    class WithoutTable extends ApiDeployment {
      override get exporter() {
        return exporter;
      }
    }
    const handler = createHandler(
      new WithoutTable({
        DRAYAGE_CONFIG_JSON: JSON.stringify(pipelineConfig('http://127.0.0.1:1')),
        DRAYAGE_API_SECRET: '',
      }),
    );
    const context = { awsRequestId: 'test', functionName: 'api' } as Context;
    const invoke = (event: unknown) => handler(event as APIGatewayProxyEventV2, context);
    return await startHttpApi(() => ({ name: 'api', invoke }), 0, process.stderr);
  }

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${api.url}${path}`, { redirect: 'manual', headers: { 'accept-encoding': 'gzip', ...headers } });

  it('are redirected to the snapshot itself, whose tag is the same', async () => {
    const redirect = await get('/v1/exports/json');
    expect(redirect.status).toBe(302);
    expect(redirect.headers.get('cache-control')).toBe('no-store');
    const etag = redirect.headers.get('etag');
    const object = await fetch(redirect.headers.get('location') ?? '');
    expect(object.status).toBe(200);
    expect(`W/${object.headers.get('etag')}`).toBe(etag);
    expect(((await object.json()) as { mappings: unknown[] }).mappings).toHaveLength(3_000);
    const stored = object.headers.get('etag') ?? '';
    expect((await get('/v1/exports/json', { 'if-none-match': stored })).status).toBe(304);
  });

  it('arrive for clients that follow redirects, and keep their token from the bucket', async () => {
    const response = await fetch(`${api.url}/v1/exports/json`, {
      headers: { authorization: 'Bearer token' },
    });
    expect(response.status).toBe(200);
    expect(((await response.json()) as { mappings: unknown[] }).mappings).toHaveLength(3_000);
  });

  it('are made once and stored, in other formats', async () => {
    const first = await get('/v1/exports/csv');
    expect(first.status).toBe(302);
    const object = await fetch(first.headers.get('location') ?? '');
    expect(object.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect((await object.text()).split('\r\n')).toHaveLength(3_002);
    const etag = first.headers.get('etag') ?? '';
    const requests = test.bucket.requests.length;
    expect((await get('/v1/exports/csv', { 'if-none-match': etag })).status).toBe(304);
    expect((await get('/v1/exports/csv')).status).toBe(302);
    expect(test.bucket.requests.slice(requests).filter((line) => line === `GET ${snapshotKey}`)).toEqual([]);
  });

  it('fit if a filter leaves less', async () => {
    const response = await get('/v1/exports/json?registry=ghcr.io');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(((await response.json()) as { mappings: unknown[] }).mappings).toHaveLength(1_500);
  });

  it('are redirected for those who accept no gzip as soon as the text is too large', async () => {
    const plain = { 'accept-encoding': 'identity' };
    const redirect = await get('/v1/exports/json', plain);
    expect(redirect.status).toBe(302);
    const object = await fetch(redirect.headers.get('location') ?? '', { headers: plain });
    expect(object.headers.get('content-encoding')).toBe('gzip');
    const fits = await get('/v1/exports/json?repository=library/none', plain);
    expect(await fits.json()).toEqual({ version: 1, mappings: [] });
  });

  it('answer with the newer snapshot if one is stored while it is read', async () => {
    const { store } = test;
    const before = await store.head(snapshotKey);
    const keepsNothing = await startApi(0);
    const path = `${keepsNothing.url}/v1/exports/json?registry=`;
    const first = await fetch(`${path}none`);
    const { gzip, content, textBytes } = await writeDocument(largeMappings(['quay.io']));
    const notes = { content, 'text-bytes': String(textBytes) };
    await store.put(snapshotKey, { gzip, contentType: 'application/json', notes }, before?.etag);
    const second = await fetch(`${path}quay.io`);
    expect(await first.json()).toEqual({ version: 1, mappings: [] });
    const { mappings } = (await second.json()) as { mappings: Mapping[] };
    expect(mappings).toHaveLength(1_500);
    await keepsNothing.close();
  });
});
