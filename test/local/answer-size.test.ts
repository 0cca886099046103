import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoJobStore } from '../../core/aws/dynamodb/job-store.ts';
import { DynamoMappingStore } from '../../core/aws/dynamodb/mappings/mapping-store.ts';
import { openTable, type Table } from '../../core/aws/dynamodb/table.ts';
import { newJobId } from '../../core/jobs/record.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { keyOf, mappingOf, resolveOf } from '../support/local-stores.ts';
import { type ApiJob, type Pipeline, startPipeline } from '../support/pipeline.ts';

const maxAnswerBytes = 6 * 1024 * 1024;
/**
 * The largest mapping that an index can produce: 64 platforms, and everything that is kept about
 * its signatures.
 */
const largest = (tag: string) =>
  mappingOf(tag, {
    platforms: Array.from({ length: 64 }, (_, n) => `${'p'.repeat(90)}/${n}`),
    referrers: {
      copied: 0,
      missing: Array.from({ length: 20 }, () => ({
        digest: mappingOf(tag).digest,
        code: 'DENIED',
        reason: '"\\'.repeat(150),
      })),
    },
  });
const tags = Array.from({ length: 600 }, (_, n) => `v${String(n).padStart(3, '0')}`);

describe('answers of the API', () => {
  let pipeline: Pipeline;
  let table: Table;
  beforeAll(async () => {
    // Nothing here is about the snapshot, which takes long for the largest mappings there can be.
    pipeline = await startPipeline({ snapshotMs: 3_600_000 });
    const { environment } = pipeline.stack;
    table = openTable(environment.DRAYAGE_TABLE ?? '', {
      endpoint: environment.AWS_ENDPOINT_URL_DYNAMODB ?? '',
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const mappings = new DynamoMappingStore(table);
    await mappings.putRegistryHost('eu-west-1', 'mirror.example');
    for (const tag of tags) {
      const lease = await mappings.acquireLease(keyOf(tag), 'job', 30_000);
      if (lease) await mappings.publish(keyOf(tag), lease, largest(tag), resolveOf(largest(tag), 1));
    }
    const jobs = new DynamoJobStore(table);
    for (const tag of tags.slice(0, 500)) {
      const error = {
        code: 'X',
        side: 'mirror' as const,
        message: '"'.repeat(1_000),
        remedy: '\\'.repeat(1_000),
      };
      const { referrers } = largest(tag);
      await jobs.create({
        id: newJobId(Date.now()),
        key: keyOf(tag),
        event: 1,
        state: 'failed',
        trigger: 'webhook',
        receivedAt: new Date().toISOString(),
        attempts: 1,
        error,
        ...(referrers && { referrers }),
      });
    }
  });
  afterAll(async () => {
    table?.client.destroy();
    await pipeline?.[Symbol.asyncDispose]();
  });

  /** All pages of a list, and how many there were. */
  async function pages<T>(path: string, field: string): Promise<{ items: T[]; count: number }> {
    const items: T[] = [];
    let cursor: string | undefined;
    let count = 0;
    do {
      const response = await pipeline.get(`${path}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
      const text = await response.text();
      expect(response.status, text.slice(0, 200)).toBe(200);
      expect(Buffer.byteLength(JSON.stringify(text))).toBeLessThan(maxAnswerBytes);
      const page = JSON.parse(text);
      items.push(...page[field]);
      cursor = page.cursor;
      count += 1;
    } while (cursor !== undefined);
    return { items, count };
  }

  it('end a page of mappings before it is too large, and continue on the next one', async () => {
    const { items, count } = await pages<Mapping>('/v1/mappings?limit=1000', 'mappings');
    expect(items.map(({ image }) => image)).toEqual(tags.map((tag) => `docker.io/library/nginx:${tag}`));
    expect(count).toBeGreaterThan(1);
  });

  it('end a page of jobs before it is too large', async () => {
    const { items, count } = await pages<ApiJob>('/v1/jobs?limit=500&state=failed', 'jobs');
    expect(new Set(items.map(({ id }) => id)).size).toBe(500);
    expect(count).toBeGreaterThan(1);
  });

  it('refuse to resolve more than one answer holds, and say what to do', async () => {
    const resolve = (images: string[], coding: string) =>
      pipeline.post('/v1/mappings/resolve', JSON.stringify({ images }), { 'accept-encoding': coding });
    const all = tags.map((tag) => `nginx:${tag}`);
    const refused = await resolve(all, 'identity');
    expect(refused.status).toBe(413);
    expect(await refused.json()).toMatchObject({
      error: { code: 'answer_too_large', message: expect.stringContaining('fewer at once') },
    });
    expect((await resolve(all.slice(0, 100), 'identity')).status).toBe(200);
    // Compressed, they all fit.
    const answered = await resolve(all, 'gzip');
    expect(answered.headers.get('content-encoding')).toBe('gzip');
    expect(Object.keys(((await answered.json()) as { mappings: object }).mappings)).toHaveLength(600);
  });
});
