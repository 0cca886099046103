import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RegistryRepository } from '../../../core/copy/registry-repository.ts';
import { RegistryClient } from '../../../core/registry/client.ts';
import { inChunks, stalling, timeOf } from '../../support/byte-streams.ts';
import { blobOf } from '../../support/memory-image.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { seededImage } from '../../support/seeded-image.ts';
import { seededBytes } from '../../support/seeded-layer.ts';
import { describeDestination } from './destination-contract.ts';
import { distributionSubject, type Subject } from './subjects.ts';

describe('a repository of a distribution registry', () => {
  describeDestination(distributionSubject);

  let subject: Subject & { registry: NonNullable<Subject['registry']> };
  beforeAll(async () => {
    subject = (await distributionSubject()) as typeof subject;
  });
  afterAll(() => subject.close());

  const upload = async (bytes: Uint8Array) => {
    const opened = await subject.store.openUpload(blobOf(bytes));
    if (opened.kind === 'session') await opened.upload.write(inChunks(bytes));
  };

  it('mounts what another repository has, without sending it', async () => {
    const { store, sibling, registry } = subject;
    const bytes = seededBytes('mountable', 10_000);
    const opened = await sibling.store.openUpload(blobOf(bytes));
    if (opened.kind === 'session') await opened.upload.write(inChunks(bytes));
    registry.clearRequests();

    expect(await store.openUpload(blobOf(bytes), { mountFrom: sibling.name })).toEqual({ kind: 'mounted' });
    expect(registry.requests.map(({ method }) => method)).toEqual(['POST']);
    expect(registry.hasBlob('app', blobOf(bytes).digest)).toBe(true);
  });

  it('verifies a blob that it reads, and blames the mirror', async () => {
    const bytes = seededBytes('damaged later', 2_000);
    await upload(bytes);
    const off = subject.registry.faults.add({ match: { method: 'GET' }, action: { kind: 'corrupt' } });

    const error = await subject.store.readBlob(blobOf(bytes)).catch((e: unknown) => e);
    off();
    expect(error).toMatchObject({ code: 'DIGEST_INVALID', side: 'mirror', temporary: false });
  });

  it('refuses to read a large blob into memory', async () => {
    const huge = { ...blobOf('huge'), size: 5 * 1024 * 1024 };
    subject.registry.clearRequests();
    await expect(subject.store.readBlob(huge)).rejects.toMatchObject({
      code: 'SIZE_INVALID',
      side: 'mirror',
    });
    expect(subject.registry.requests).toEqual([]);
  });

  it('asks about no more blobs once the caller gives up', async () => {
    const abort = new AbortController();
    const off = subject.registry.faults.add({
      match: { method: 'HEAD', path: '/blobs/' },
      action: { kind: 'stall' },
    });
    subject.registry.clearRequests();
    const asking = subject.store.presentBlobs(
      Array.from({ length: 100 }, (_, i) => blobOf(`asked ${i}`)),
      { signal: abort.signal },
    );
    setTimeout(() => abort.abort(new Error('enough')), 100);
    expect(await timeOf(asking)).toBeLessThan(3_000);
    off();
    await expect(asking).rejects.toBe(abort.signal.reason);
    expect(subject.registry.requests.length).toBeLessThanOrEqual(16);
  });

  it('stops asking about blobs after the first failure', async () => {
    const off = subject.registry.faults.add({
      match: { method: 'HEAD', path: '/blobs/' },
      action: { kind: 'status', status: 403 },
    });
    subject.registry.clearRequests();
    const asking = subject.store.presentBlobs(Array.from({ length: 200 }, (_, i) => blobOf(`denied ${i}`)));
    await expect(asking).rejects.toMatchObject({ status: 403 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    off();
    expect(subject.registry.requests.length).toBeLessThan(50);
  });

  it('cancels a session within a moment, even with a registry that does not answer', async () => {
    const bytes = seededBytes('stuck', 1_000);
    const opened = await subject.store.openUpload(blobOf(bytes));
    if (opened.kind !== 'session') throw new Error('no session');
    const off = subject.registry.faults.add({ match: { method: 'DELETE' }, action: { kind: 'stall' } });

    expect(await timeOf(opened.upload.cancel())).toBeLessThan(3_000);
    off();
  });

  it('leaves no session open when a write is cancelled', async () => {
    const bytes = seededBytes('left open', 100_000);
    const opened = await subject.store.openUpload(blobOf(bytes));
    if (opened.kind !== 'session') throw new Error('no session');
    subject.registry.clearRequests();
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('enough')), 50);
    const { signal } = abort;
    await expect(opened.upload.write(stalling(bytes.subarray(0, 10)), { signal })).rejects.toThrow('enough');
    await opened.upload.cancel();

    const deleted = subject.registry.requests.find(({ method }) => method === 'DELETE');
    expect(deleted?.status).toBe(204);
  });

  it('reads the manifest if a registry does not report the digest of a tag', async () => {
    const image = seededImage({ seed: 'no digest told', layers: [{ size: 10 }] });
    const server = await startScriptedServer([
      { request: 'HEAD /v2/app/manifests/untold', answer: { status: 200 } },
      {
        request: 'GET /v2/app/manifests/untold',
        answer: {
          status: 200,
          headers: { 'content-type': image.manifest.mediaType },
          body: image.manifest.bytes,
        },
      },
    ]);
    await using client = new RegistryClient({
      registry: 'r.example',
      endpoint: server.origin,
      side: 'mirror',
    });
    const repository = new RegistryRepository(client, 'r.example', 'app');
    expect(await repository.tagDigest('untold')).toBe(image.manifest.digest);
  });
});
