import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyBlobs } from '../../../core/copy/copy.ts';
import { plan } from '../../../core/copy/plan.ts';
import { inChunks } from '../../support/byte-streams.ts';
import { blobOf, parsed, storeWith } from '../../support/memory-image.ts';
import { destinationLike } from '../../support/recording-stores.ts';
import { seededImage } from '../../support/seeded-image.ts';
import { startEcr } from './subjects.ts';

/** Tokens that are refused before they expire, and tokens that cannot be fetched. */
describe('the token of Amazon ECR', () => {
  let started: Awaited<ReturnType<typeof startEcr>>;
  beforeEach(async () => {
    started = await startEcr();
  });
  afterEach(() => started.close());

  const image = seededImage({ seed: 'token', layers: [{ size: 3_000 }] });
  const tokens = () =>
    started.registry.requests.filter(({ operation }) => operation === 'GetAuthorizationToken').length;

  /** A repository that holds the image under `v1`, and has used its token. */
  const held = async () => {
    const repository = await started.ecr.repository('mirror/app');
    const source = storeWith(image);
    await copyBlobs(source, repository, await plan(source, repository, 'latest'));
    await repository.putManifest(parsed(image.manifest), 'v1');
    started.registry.clearRequests();
    return repository;
  };
  type Held = Awaited<ReturnType<typeof held>>;

  const operations: [string, (repository: Held) => Promise<unknown>][] = [
    ['reading a tag', (repository) => repository.tagDigest('v1')],
    ['reading a manifest', (repository) => repository.manifest('v1')],
    ['asking for a manifest', (repository) => repository.hasManifest(parsed(image.manifest))],
    ['putting a manifest', (repository) => repository.putManifest(parsed(image.manifest), 'v2')],
    ['reading a blob', (repository) => repository.readBlob(image.config)],
    ['opening an upload', (repository) => repository.openUpload(blobOf('new'))],
  ];

  it.each(operations)('is fetched once more if it has expired before %s', async (_, operation) => {
    const repository = await held();
    started.registry.rotatePassword();
    await operation(repository);
    expect(tokens()).toBe(1);
    started.registry.clearRequests();
    await operation(repository);
    expect(tokens()).toBe(0);
  });

  it('is fetched again if it is answered with 401, too', async () => {
    const repository = await held();
    const match = { method: 'HEAD', path: '/manifests/', times: 1 };
    started.registry.faults.add({ match, action: { kind: 'status', status: 401 } });
    expect(await repository.tagDigest('v1')).toBe(image.manifest.digest);
    expect(tokens()).toBe(1);
  });

  it('is shared by all requests that were refused together, and by repositories opened before', async () => {
    const repository = await held();
    const other = await started.ecr.repository('mirror/other');
    started.registry.rotatePassword();
    await Promise.all(Array.from({ length: 6 }, () => repository.manifest('v1')));
    expect(await other.tagDigest('none')).toBeUndefined();
    expect(tokens()).toBe(1);
  });

  it.each([401, 403])('is no longer blamed if a fresh one is answered %s, too', async (status) => {
    const repository = await held();
    const match = { path: '/manifests/' };
    const off = started.registry.faults.add({ match, action: { kind: 'status', status } });
    await expect(repository.tagDigest('v1')).rejects.toMatchObject({
      side: 'mirror',
      status,
      temporary: false,
    });
    expect(tokens()).toBe(1);
    off();
    expect(await repository.tagDigest('v1')).toBe(image.manifest.digest);
  });

  it('may expire between the opening of an upload and its bytes: the copy starts the blob over', async () => {
    const repository = await started.ecr.repository('mirror/app');
    const source = storeWith(image);
    let rotated = false;
    const destination = destinationLike(repository, {
      openUpload: async (blob, options) => {
        const opened = await repository.openUpload(blob, options);
        if (!rotated) started.registry.rotatePassword();
        rotated = true;
        return opened;
      },
    });
    const made = await plan(source, repository, 'latest');
    const errors: unknown[] = [];
    await copyBlobs(source, destination, made, {
      pause: async () => {},
      concurrency: 1,
      onEvent: (event) => {
        if (event.type === 'restart') errors.push(event.error);
      },
    });
    expect(errors).toMatchObject([{ status: 403, operation: 'upload blob', temporary: true }]);
    for (const digest of image.blobs.keys())
      expect(started.registry.hasBlob('mirror/app', digest)).toBe(true);
  });

  it.each([401, 403])('fails a blob for good if its bytes are refused twice with %s', async (status) => {
    const repository = await held();
    const match = { method: 'PUT', path: '/blobs/uploads/' };
    started.registry.faults.add({ match, action: { kind: 'status', status } });
    const blob = blobOf('refused');
    const send = async () => {
      const opened = await repository.openUpload(blob);
      if (opened.kind === 'session') await opened.upload.write(inChunks(Buffer.from('refused')));
    };
    await expect(send()).rejects.toMatchObject({ side: 'mirror', status, temporary: true });
    await expect(send()).rejects.toMatchObject({ side: 'mirror', status, temporary: false });
    expect(tokens()).toBe(1);
  });

  it('is not waited for longer than the caller wants, and the other callers get theirs', async () => {
    const { ecr, registry } = started;
    const match = { operation: 'GetAuthorizationToken' };
    registry.faults.add({ match, action: { kind: 'slow', delayMs: 500 } });
    const abort = new AbortController();
    const asking = [ecr.host({ signal: abort.signal }), ecr.repository('a', { signal: abort.signal })];
    const settled = Promise.allSettled(asking);
    const others = [ecr.host(), ecr.host({ signal: new AbortController().signal })];
    let had = false;
    Promise.all(others).then(() => {
      had = true;
    });
    setTimeout(() => abort.abort(new Error('enough')), 20);

    await settled;
    expect(had).toBe(false);
    for (const one of asking) await expect(one).rejects.toBe(abort.signal.reason);
    expect(await Promise.all(others)).toEqual([registry.host, registry.host]);
    expect(tokens()).toBe(1);
  });

  it('is requested again after all waiting callers have given up', async () => {
    const { ecr, registry } = started;
    const match = { operation: 'GetAuthorizationToken', times: 1 };
    registry.faults.add({ match, action: { kind: 'stall' } });
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('enough')), 50);
    await expect(ecr.host({ signal: abort.signal })).rejects.toThrow('enough');
    expect(await ecr.host()).toBe(registry.host);
  });

  it('is not requested by a caller that has already given up', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(started.ecr.host({ signal })).rejects.toBe(signal.reason);
    expect(tokens()).toBe(0);
  });

  it('allows layers of up to 52,000 MiB', async () => {
    expect((await started.ecr.repository('mirror/app')).maxBlobBytes).toBe(54_525_952_000);
  });
});
