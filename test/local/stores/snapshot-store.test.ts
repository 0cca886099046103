import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3SnapshotStore } from '../../../core/aws/s3/snapshot-store.ts';
import { startTestBucket, type TestBucket } from '../../support/local-bucket.ts';

const objectOf = (text: string) => ({
  gzip: gzipSync(text),
  contentType: 'application/json',
  notes: { content: text },
});
const textOf = (gzip: Uint8Array | undefined) => (gzip ? gunzipSync(gzip).toString('utf8') : undefined);

describe('the snapshot store on the embedded S3', () => {
  let test: TestBucket;
  beforeAll(async () => {
    test = await startTestBucket();
  });
  afterAll(() => test[Symbol.asyncDispose]());

  it('knows nothing of what is not there', async () => {
    expect(await test.store.head('none')).toBeUndefined();
    expect(await test.store.read('none', '"x"')).toBeUndefined();
  });

  it('stores, reads and replaces an object', async () => {
    const { store } = test;
    const first = await store.put('own', objectOf('1'), undefined);
    expect(await store.head('own')).toEqual({
      etag: first,
      bytes: gzipSync('1').byteLength,
      notes: { content: '1' },
    });
    const second = await store.put('own', objectOf('2'), first);
    expect(second).not.toBe(first);
    expect(textOf(await store.read('own', second ?? ''))).toBe('2');
    expect(await store.read('own', first ?? '')).toBeUndefined();
  });

  it('puts only what replaces the stored version', async () => {
    const { store } = test;
    const etag = await store.put('guarded', objectOf('1'), undefined);
    expect(await store.put('guarded', objectOf('2'), undefined)).toBeUndefined();
    expect(await store.put('guarded', objectOf('2'), '"00000000000000000000000000000000"')).toBeUndefined();
    expect(await store.put('absent', objectOf('2'), etag)).toBeUndefined();
    expect(await store.head('absent')).toBeUndefined();
    expect(textOf(await store.read('guarded', etag ?? ''))).toBe('1');
  });

  it.each(['new', 'old'])('lets one of twenty writers put a %s object', async (kind) => {
    const key = `raced/${kind}`;
    const before = kind === 'old' ? await test.store.put(key, objectOf('0'), undefined) : undefined;
    const puts = Array.from({ length: 20 }, (_, n) => test.store.put(key, objectOf(`writer ${n}`), before));
    const stored = (await Promise.all(puts)).filter((etag) => etag !== undefined);
    expect(stored).toHaveLength(1);
    expect((await test.store.head(key))?.etag).toBe(stored[0]);
  });

  it('links to an object, without credentials and for a limited time', async () => {
    const etag = await test.store.put('linked & more', objectOf('linked'), undefined);
    const link = await test.store.link('linked & more', 1);
    const response = await fetch(link);
    expect(response.headers.get('etag')).toBe(etag);
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(await response.text()).toBe('linked');
    const both = await fetch(link, { headers: { authorization: 'Bearer token' } });
    expect(both.status).toBe(400);
    await sleep(2_000);
    const late = await fetch(link);
    expect(late.status).toBe(403);
    expect(await late.text()).toContain('<Code>AccessDenied</Code><Message>Request has expired</Message>');
  });

  it('refuses a link that was changed, and requests without a signature', async () => {
    await test.store.put('secret', objectOf('secret'), undefined);
    await test.store.put('public', objectOf('public'), undefined);
    const link = await test.store.link('public', 60);
    for (const changed of [
      link.replace('/public', '/secret'),
      link.replace('X-Amz-Expires=60', 'X-Amz-Expires=600'),
      link.replace(/Signature=....../, 'Signature=000000'),
      link.replace(/\?.*/, ''),
    ])
      expect((await fetch(changed)).status, changed).toBe(403);
    expect((await fetch(link, { method: 'PUT', body: 'x' })).status).toBe(403);
    expect((await fetch(link)).status).toBe(200);
  });

  it('refuses a signer with another secret, and what it does not serve', async () => {
    const { bucket } = test;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'other' };
    const client = { endpoint: bucket.endpoint, region: 'eu-west-1', credentials };
    const stranger = new S3SnapshotStore(bucket.name, client);
    await expect(stranger.head('public')).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    await expect(stranger.put('new', objectOf('new'), undefined)).rejects.toThrow(/signature/);
    stranger.close();

    const s3 = new S3Client({ ...client, credentials: { ...credentials, secretAccessKey: 'local' } });
    const other = new GetObjectCommand({ Bucket: 'other', Key: 'public' });
    await expect(s3.send(other)).rejects.toMatchObject({ name: 'NoSuchBucket' });
    const tagged = new PutObjectCommand({ Bucket: bucket.name, Key: 'a', Body: 'a', IfNoneMatch: '"tag"' });
    await expect(s3.send(tagged)).rejects.toMatchObject({ name: 'NotImplemented' });
    s3.destroy();
  });
});

describe('a bucket that keeps its objects', () => {
  it('has them after a restart, and tells of a damaged one', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'drayage-bucket-'));
    try {
      let etag: string | undefined;
      {
        await using first = await startTestBucket(directory);
        await first.store.put('kept', objectOf('old'), undefined);
        etag = await first.store.put('kept', objectOf('new'), (await first.store.head('kept'))?.etag);
      }
      {
        await using second = await startTestBucket(directory);
        expect(textOf(await second.store.read('kept', etag ?? ''))).toBe('new');
        expect(await second.store.put('kept', objectOf('newer'), undefined)).toBeUndefined();
      }
      const [file = ''] = (await readdir(directory)).filter((name) => name !== 'new');
      const content = await readFile(join(directory, file));
      await writeFile(join(directory, file), content.subarray(0, content.byteLength - 1));
      await expect(startTestBucket(directory)).rejects.toThrow(/is damaged/);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
