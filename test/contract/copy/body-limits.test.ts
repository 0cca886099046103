import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyBlob } from '../../../core/copy/blob/copy-blob.ts';
import { RegistryRepository } from '../../../core/copy/registry-repository.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { type EmbeddedRegistry, startRegistry } from '../../../local/ecr/server.ts';
import { copyWhole, repositoryAt } from '../../support/copying.ts';
import { startLimitingProxy } from '../../support/limiting-proxy.ts';
import { type ScriptedStep, startScriptedServer } from '../../support/scripted-server.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import { seededBytes } from '../../support/seeded-layer.ts';
import { clientFor } from '../registry/client-for.ts';

const MiB = 1024 * 1024;
const none = { pause: async () => {} };

describe('a proxy that limits bodies', () => {
  let upstream: EmbeddedRegistry;
  let mirror: EmbeddedRegistry;
  beforeAll(async () => {
    upstream = await startRegistry({ flavour: 'distribution' });
    mirror = await startRegistry({ flavour: 'distribution' });
  });
  afterAll(() => Promise.all([upstream.stop(), mirror.stop()]));

  it('gets chunks that fit, and so do all further blobs', async () => {
    const image = seededImage({
      seed: 'limited',
      layers: [{ size: 5 * MiB }, { size: 3 * MiB }, { size: 1_000 }],
    });
    await pushImage(upstream.endpoint, 'limited', 'latest', image);
    const proxy = await startLimitingProxy(mirror.endpoint, MiB);
    const source = repositoryAt(upstream, 'limited', { side: 'upstream' });
    const destination = repositoryAt(proxy, 'limited', { side: 'mirror' });
    await copyWhole(source, destination, 'latest', { ...none, concurrency: 1 });
    expect(mirror.tag('limited', 'latest')).toBe(image.manifest.digest);
    expect(proxy.refused, 'the whole layer, and a quarter of it').toEqual([5 * MiB, 1.25 * MiB]);
    expect(Math.max(...proxy.passed)).toBeLessThanOrEqual(MiB);
  });

  it('gets chunks from several uploads at once, too', async () => {
    const layers = Array.from({ length: 8 }, (_, n) => ({ size: 2 * MiB + n }));
    const image = seededImage({ seed: 'at once', layers });
    await pushImage(upstream.endpoint, 'at-once', 'latest', image);
    const proxy = await startLimitingProxy(mirror.endpoint, MiB);
    const source = repositoryAt(upstream, 'at-once', { side: 'upstream' });
    await copyWhole(source, repositoryAt(proxy, 'at-once', { side: 'mirror' }), 'latest', none);
    expect(mirror.tag('at-once', 'latest')).toBe(image.manifest.digest);
  });

  it('gets chunks once it has closed the connection twice, and so do all further blobs', async () => {
    const image = seededImage({ seed: 'closing', layers: [{ size: 5 * MiB }, { size: 4 * MiB }] });
    await pushImage(upstream.endpoint, 'closing', 'latest', image);
    const proxy = await startLimitingProxy(mirror.endpoint, 1.5 * MiB, { closes: true });
    const source = repositoryAt(upstream, 'closing', { side: 'upstream' });
    const destination = repositoryAt(proxy, 'closing', { side: 'mirror' });
    await copyWhole(source, destination, 'latest', { ...none, concurrency: 1 });
    expect(mirror.tag('closing', 'latest')).toBe(image.manifest.digest);
    expect(proxy.refused).toEqual([5 * MiB, 5 * MiB]);
  });

  it('gets ever smaller chunks while it closes the connection', async () => {
    const image = seededImage({ seed: 'closing always', layers: [{ size: 5 * MiB }] });
    await pushImage(upstream.endpoint, 'smaller', 'latest', image);
    const proxy = await startLimitingProxy(mirror.endpoint, 400_000, { closes: true });
    const source = repositoryAt(upstream, 'smaller', { side: 'upstream' });
    await copyWhole(source, repositoryAt(proxy, 'smaller', { side: 'mirror' }), 'latest', none);
    expect(mirror.tag('smaller', 'latest')).toBe(image.manifest.digest);
    expect(proxy.refused).toEqual([5 * MiB, 5 * MiB, 1.25 * MiB]);
  });

  it('is reported with its limit if its registry takes no chunks', async () => {
    const image = seededImage({ seed: 'no chunks', layers: [{ size: 5 * MiB }] });
    await pushImage(upstream.endpoint, 'no-chunks', 'latest', image);
    const proxy = await startLimitingProxy(mirror.endpoint, 2 * MiB);
    const off = mirror.faults.add({ match: { method: 'PATCH' }, action: { kind: 'status', status: 405 } });
    const source = repositoryAt(upstream, 'no-chunks', { side: 'upstream' });
    const copying = copyWhole(source, repositoryAt(proxy, 'no-chunks', { side: 'mirror' }), 'latest', none);
    await expect(copying).rejects.toMatchObject({
      code: 'BODY_TOO_LARGE',
      message: expect.stringContaining('were refused before (413)'),
    });
    off();
  });

  it('fails the copy for now if it closes the connection and its registry takes no chunks', async () => {
    const image = seededImage({ seed: 'neither', layers: [{ size: 5 * MiB }] });
    await pushImage(upstream.endpoint, 'neither', 'latest', image);
    const proxy = await startLimitingProxy(mirror.endpoint, MiB, { closes: true });
    const off = mirror.faults.add({ match: { method: 'PATCH' }, action: { kind: 'status', status: 405 } });
    const source = repositoryAt(upstream, 'neither', { side: 'upstream' });
    const copying = copyWhole(source, repositoryAt(proxy, 'neither', { side: 'mirror' }), 'latest', none);
    await expect(copying).rejects.toMatchObject({ side: 'mirror', temporary: true });
    off();
  });

  it('fails the copy for good if it takes next to nothing, with what to raise', async () => {
    const image = seededImage({ seed: 'tiny', layers: [{ size: MiB }] });
    await pushImage(upstream.endpoint, 'tiny', 'latest', image);
    const proxy = await startLimitingProxy(mirror.endpoint, 10_000);
    const source = repositoryAt(upstream, 'tiny', { side: 'upstream' });
    const copying = copyWhole(source, repositoryAt(proxy, 'tiny', { side: 'mirror' }), 'latest', none);
    await expect(copying).rejects.toMatchObject({
      code: 'BODY_TOO_LARGE',
      side: 'mirror',
      temporary: false,
      remedy: expect.stringContaining('client_max_body_size'),
    });
  });
});

describe('a chunked upload', () => {
  const bytes = Buffer.from(seededBytes('chunks', 700_000));
  const blob = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length };
  const digest = encodeURIComponent(blob.digest);
  const start = (answer: ScriptedStep['answer']): ScriptedStep => ({
    request: `POST /v2/b/blobs/uploads/?mount=${digest}&from=b`,
    answer,
  });
  const read: ScriptedStep = {
    request: `GET /v2/a/blobs/${blob.digest}`,
    answer: { status: 200, body: bytes },
  };
  const patch = (n: number, from: number, to: number, answer?: ScriptedStep['answer']): ScriptedStep => ({
    request: `PATCH /upload/${n}`,
    headers: { 'content-range': `${from}-${to - 1}`, 'content-length': String(to - from) },
    body: bytes.subarray(from, to),
    answer: answer ?? { status: 202, headers: { location: `/upload/${n + 1}` } },
  });

  it('honours OCI-Chunk-Min-Length, and continues at the location of each answer', async () => {
    const upstream = await startScriptedServer([read, read]);
    const opened = { status: 202, headers: { location: '/upload/0', 'oci-chunk-min-length': '400000' } };
    const mirror = await startScriptedServer([
      start(opened),
      { request: `PUT /upload/0?digest=${digest}`, body: bytes, answer: { status: 413 } },
      { request: 'DELETE /upload/0', answer: { status: 204 } },
      start(opened),
      patch(0, 0, 400_000),
      patch(1, 400_000, 700_000),
      {
        request: `PUT /upload/2?digest=${digest}`,
        headers: { 'content-length': '0' },
        answer: { status: 201 },
      },
    ]);
    const source = new RegistryRepository(clientFor(upstream), 'r.example', 'a');
    const destination = new RegistryRepository(clientFor(mirror, { side: 'mirror' }), 'm.example', 'b');
    expect(await copyBlob(source, destination, blob, none)).toBe('copied');
  });

  it('starts over if the registry has lost count (416)', async () => {
    const upstream = await startScriptedServer([read, read]);
    const opened = { status: 202, headers: { location: '/upload/0' } };
    const mirror = await startScriptedServer([
      start(opened),
      patch(0, 0, 500_000),
      patch(1, 500_000, 700_000, { status: 416 }),
      { request: 'DELETE /upload/0', answer: { status: 204 } },
      start(opened),
      patch(0, 0, 500_000),
      patch(1, 500_000, 700_000),
      { request: `PUT /upload/2?digest=${digest}`, answer: { status: 201 } },
    ]);
    const client = clientFor(mirror, { side: 'mirror' });
    client.refused.maxBodyBytes = 500_000;
    const source = new RegistryRepository(clientFor(upstream), 'r.example', 'a');
    const destination = new RegistryRepository(client, 'm.example', 'b');
    expect(await copyBlob(source, destination, blob, none)).toBe('copied');
  });

  it('is not tried with Amazon ECR', async () => {
    const upstream = await startScriptedServer([read]);
    const host = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
    const mirror = await startScriptedServer([
      { request: 'POST /v2/b/blobs/uploads/', answer: { status: 202, headers: { location: '/upload/0' } } },
      { request: `PUT /upload/0?digest=${digest}`, body: bytes, answer: { status: 413 } },
      { request: 'DELETE /upload/0', answer: { status: 204 } },
    ]);
    const source = new RegistryRepository(clientFor(upstream), 'r.example', 'a');
    const client = clientFor(mirror, { side: 'mirror', registry: host });
    const copying = copyBlob(source, new RegistryRepository(client, host, 'b'), blob, none);
    await expect(copying).rejects.toMatchObject({ status: 413, temporary: false });
  });
});
