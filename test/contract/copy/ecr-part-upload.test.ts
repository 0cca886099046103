import { setTimeout as sleep } from 'node:timers/promises';
import {
  CompleteLayerUploadCommand,
  ECRClient,
  InitiateLayerUploadCommand,
  UploadLayerPartCommand,
} from '@aws-sdk/client-ecr';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EcrRegistry } from '../../../core/aws/ecr/registry.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { timeOf } from '../../support/byte-streams.ts';
import { CountedSource } from '../../support/counted-source.ts';
import { MemoryCheckpoints } from '../../support/memory-checkpoints.ts';
import { blobOf } from '../../support/memory-image.ts';
import { temporaryFailure } from '../../support/recording-stores.ts';
import { seededBytes } from '../../support/seeded-layer.ts';
import { plainSettings, startEcr } from './subjects.ts';

const MiB = 1024 * 1024;
const partBytes = 10 * MiB;
const repositoryName = 'mirror/app';
/** Two whole parts and a shorter one. */
const layer = seededBytes('a large layer', 2 * partBytes + 3 * MiB + 7);
const blob = blobOf(layer);

describe('a layer uploaded to Amazon ECR in parts', () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  const start = async () => {
    const { registry, close } = await startEcr();
    cleanups.push(close);
    const checkpoints = new MemoryCheckpoints();
    /** A separate process, which shares nothing but the checkpoints. */
    const worker = async () => {
      const ecr = new EcrRegistry('eu-west-1', plainSettings, { checkpoints });
      cleanups.push(() => ecr.close());
      const repository = await ecr.repository(repositoryName);
      await repository.presentBlobs([blob]);
      return {
        isInParts: (options = {}) => repository.isInParts?.(blob, options),
        upload: (source: CountedSource, options = {}, of = blob) => {
          if (!repository.uploadInParts) throw new Error('no upload in parts');
          return repository.uploadInParts(of, source.open, options);
        },
      };
    };
    const client = new ECRClient({ endpoint: registry.endpoint, region: 'eu-west-1' });
    cleanups.push(() => client.destroy());
    const operations = (name: string) =>
      registry.requests.filter(({ operation }) => operation === name).map(({ status }) => status);
    const checkpoint = async () => await checkpoints.read(repositoryName, blob.digest);
    return { registry, checkpoints, worker, client, operations, checkpoint };
  };

  /** Uploads the first two parts, and lets the source fail for good in the third. */
  const interrupted = async (started: Awaited<ReturnType<typeof start>>) => {
    const source = new CountedSource(layer);
    source.before = (position) => {
      if (position >= 2 * partBytes + MiB) throw new Error('killed');
    };
    await expect((await started.worker()).upload(source)).rejects.toThrow('killed');
    const checkpoint = await started.checkpoint();
    if (checkpoint?.offset !== 2 * partBytes) throw new Error('two parts should have been recorded');
    started.registry.clearRequests();
    return checkpoint;
  };

  it('is offered only if checkpoints can be kept', async () => {
    const { ecr, close } = await startEcr();
    cleanups.push(close);
    const repository = await ecr.repository(repositoryName);
    expect(repository.uploadInParts).toBeUndefined();
    expect(repository.isInParts).toBeUndefined();
  });

  it('is reported as under way while there is a checkpoint', async () => {
    const started = await start();
    const worker = await started.worker();
    expect(await worker.isInParts()).toBe(false);
    await interrupted(started);
    expect(await worker.isInParts()).toBe(true);
    await worker.upload(new CountedSource(layer));
    expect(await worker.isInParts()).toBe(false);
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(worker.isInParts({ signal })).rejects.toBe(signal.reason);
  });

  it('arrives whole, and leaves no checkpoint', async () => {
    const { registry, checkpoints, worker, operations } = await start();
    const source = new CountedSource(layer);
    const told: number[] = [];
    await (await worker()).upload(source, { onBytes: (bytes: number) => told.push(bytes) });

    expect(registry.hasBlob(repositoryName, blob.digest)).toBe(true);
    expect(source).toMatchObject({ opened: [0], read: layer.byteLength });
    expect(told).toEqual([partBytes, partBytes, 3 * MiB + 7]);
    expect(operations('UploadLayerPart')).toEqual([200, 200, 200]);
    expect(checkpoints.size).toBe(0);
  });

  it('continues in another process after the last recorded part', async () => {
    const started = await start();
    await interrupted(started);
    const source = new CountedSource(layer);
    const told: number[] = [];
    await (await started.worker()).upload(source, { onBytes: (bytes: number) => told.push(bytes) });

    expect(source).toMatchObject({ opened: [2 * partBytes], read: 3 * MiB + 7 });
    expect(told).toEqual([2 * partBytes, 3 * MiB + 7]);
    expect(started.operations('InitiateLayerUpload')).toEqual([]);
    expect(started.operations('UploadLayerPart')).toEqual([200]);
    expect(started.registry.hasBlob(repositoryName, blob.digest)).toBe(true);
    expect(started.checkpoints.size).toBe(0);
  });

  it('is completed without a read if only that was left', async () => {
    const started = await start();
    const abort = new AbortController();
    let told = 0;
    const onBytes = (bytes: number) => {
      told += bytes;
      if (told === layer.byteLength) abort.abort(new Error('out of time'));
    };
    const first = (await started.worker()).upload(new CountedSource(layer), {
      onBytes,
      signal: abort.signal,
    });
    await expect(first).rejects.toThrow('out of time');
    expect(await started.checkpoint()).toMatchObject({ offset: layer.byteLength });
    expect(started.registry.hasBlob(repositoryName, blob.digest)).toBe(false);

    const source = new CountedSource(layer);
    await (await started.worker()).upload(source);
    expect(source.opened).toEqual([]);
    expect(started.registry.hasBlob(repositoryName, blob.digest)).toBe(true);
    expect(started.checkpoints.size).toBe(0);
  });

  it.each([['from the beginning'], ['from the same checkpoint']])(
    'is uploaded by one of two workers that come at the same time, %s',
    async (from) => {
      const started = await start();
      if (from === 'from the same checkpoint') await interrupted(started);
      const sources = [new CountedSource(layer), new CountedSource(layer)];
      const workers = [await started.worker(), await started.worker()];
      const results = await Promise.allSettled(
        workers.map((worker, i) => worker.upload(sources[i] as CountedSource)),
      );

      expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
      for (const result of results) {
        if (result.status === 'fulfilled') continue;
        expect(result.reason).toMatchObject({
          code: 'UPLOAD_BUSY',
          side: 'mirror',
          temporary: true,
          remedy: expect.stringContaining('another worker'),
        });
      }
      expect(started.registry.hasBlob(repositoryName, blob.digest)).toBe(true);
      expect(started.checkpoints.size).toBe(0);
    },
  );

  it('is left to the worker that took it over', async () => {
    const started = await start();
    const source = new CountedSource(layer);
    const other = new CountedSource(layer);
    other.before = (position) => {
      if (position >= partBytes + MiB) throw new Error('killed');
    };
    let taken = false;
    source.before = async () => {
      if (taken) return;
      taken = true;
      await expect((await started.worker()).upload(other)).rejects.toThrow('killed');
    };
    await expect((await started.worker()).upload(source)).rejects.toMatchObject({ code: 'UPLOAD_BUSY' });
    expect(await started.checkpoint()).toMatchObject({ offset: partBytes });
    expect(started.operations('UploadLayerPart')).toEqual([200, 400]);

    const last = new CountedSource(layer);
    await (await started.worker()).upload(last);
    expect(last.opened).toEqual([partBytes]);
    expect(started.registry.hasBlob(repositoryName, blob.digest)).toBe(true);
  });

  it('counts as uploaded if another worker completed it meanwhile', async () => {
    const started = await start();
    const source = new CountedSource(layer);
    let taken = false;
    source.before = async (position) => {
      if (position < 2 * partBytes + MiB || taken) return;
      taken = true;
      await (await started.worker()).upload(new CountedSource(layer));
    };
    await (await started.worker()).upload(source);
    expect(started.operations('InitiateLayerUpload')).toEqual([200]);
    expect(started.registry.hasBlob(repositoryName, blob.digest)).toBe(true);
    expect(started.checkpoints.size).toBe(0);
  });

  it('starts over if the upload is gone', async () => {
    const started = await start();
    const { uploadId } = await interrupted(started);
    const wrong = digestOf(Buffer.from('ends the upload'));
    const ending = new CompleteLayerUploadCommand({ repositoryName, uploadId, layerDigests: [wrong] });
    await expect(started.client.send(ending)).rejects.toMatchObject({ name: 'InvalidLayerException' });

    const source = new CountedSource(layer);
    const told: number[] = [];
    await (await started.worker()).upload(source, { onBytes: (bytes: number) => told.push(bytes) });
    expect(source.opened).toEqual([2 * partBytes, 0]);
    expect(told).toEqual([2 * partBytes, -2 * partBytes, partBytes, partBytes, 3 * MiB + 7]);
    expect(started.registry.hasBlob(repositoryName, blob.digest)).toBe(true);
    expect(started.checkpoints.size).toBe(0);
  });

  it('is found complete if the upload is gone because it was completed', async () => {
    const started = await start();
    const checkpoint = await interrupted(started);
    await (await started.worker()).upload(new CountedSource(layer));
    started.checkpoints.set(repositoryName, blob.digest, checkpoint);
    started.registry.clearRequests();

    await (await started.worker()).upload(new CountedSource(layer));
    expect(started.operations('InitiateLayerUpload')).toEqual([]);
    expect(started.checkpoints.size).toBe(0);
  });

  it('continues after a part that arrived but was not recorded', async () => {
    const started = await start();
    started.checkpoints.beforeWrite = ({ offset }) => {
      if (offset === 2 * partBytes) throw new Error('the table is gone');
    };
    await expect((await started.worker()).upload(new CountedSource(layer))).rejects.toThrow(
      'the table is gone',
    );
    expect(await started.checkpoint()).toMatchObject({ offset: partBytes });
    started.checkpoints.beforeWrite = () => {};
    started.registry.clearRequests();

    const source = new CountedSource(layer);
    await (await started.worker()).upload(source);
    expect(source.opened).toEqual([partBytes]);
    expect(started.operations('InitiateLayerUpload')).toEqual([]);
    expect(started.operations('UploadLayerPart')).toEqual([400, 200]);
    expect(started.registry.hasBlob(repositoryName, blob.digest)).toBe(true);
  });

  it('reads but does not send what the registry holds beyond the checkpoint', async () => {
    const started = await start();
    const { uploadId } = await interrupted(started);
    const first = 2 * partBytes;
    const ahead = layer.subarray(first, first + 2 * MiB);
    const sending = new UploadLayerPartCommand({
      repositoryName,
      uploadId,
      partFirstByte: first,
      partLastByte: first + ahead.byteLength - 1,
      layerPartBlob: ahead,
    });
    await started.client.send(sending);
    started.registry.clearRequests();

    const source = new CountedSource(layer);
    // The short part in the middle cannot be completed (LayerPartTooSmall), so a new upload
    // follows.
    await (await started.worker()).upload(source);
    expect(source.opened).toEqual([first, first, 0]);
    expect(started.operations('UploadLayerPart').slice(0, 2)).toEqual([400, 200]);
    expect(started.operations('CompleteLayerUpload')).toEqual([400, 200]);
    expect(started.registry.hasBlob(repositoryName, blob.digest)).toBe(true);
    expect(started.checkpoints.size).toBe(0);
  });

  it('starts over if the registry holds less than was recorded', async () => {
    const started = await start();
    const checkpoint = await interrupted(started);
    const { uploadId = '' } = await started.client.send(new InitiateLayerUploadCommand({ repositoryName }));
    started.checkpoints.set(repositoryName, blob.digest, { ...checkpoint, uploadId });

    const source = new CountedSource(layer);
    await (await started.worker()).upload(source);
    expect(source.opened).toEqual([2 * partBytes, 0]);
    expect(started.registry.hasBlob(repositoryName, blob.digest)).toBe(true);
  });

  it.each([
    ['hash state', { hashState: 'AAAA' }],
    ['offset', { offset: partBytes }],
    ['part size', { partSize: 1 }],
    ['upload', { uploadId: '' }],
  ])('starts over if the checkpoint is damaged: %s', async (_, damage) => {
    const started = await start();
    started.checkpoints.set(repositoryName, blob.digest, { ...(await interrupted(started)), ...damage });
    const source = new CountedSource(layer);
    await (await started.worker()).upload(source);
    expect(source.opened).toEqual([0]);
    expect(started.registry.hasBlob(repositoryName, blob.digest)).toBe(true);
    expect(started.checkpoints.size).toBe(0);
  });

  it.each([
    ['other bytes', 'DIGEST_INVALID', seededBytes('forged', layer.byteLength)],
    ['fewer bytes', 'SIZE_INVALID', layer.subarray(0, -1)],
    ['more bytes', 'SIZE_INVALID', Buffer.concat([layer, Buffer.alloc(1)])],
  ])('is given up for %s before the last part, together with its checkpoint', async (_, code, bytes) => {
    const { registry, checkpoints, worker, operations } = await start();
    await expect((await worker()).upload(new CountedSource(bytes))).rejects.toMatchObject({
      name: 'CopyError',
      code,
      side: 'upstream',
      temporary: false,
    });
    expect(operations('UploadLayerPart')).toEqual([200, 200]);
    expect(operations('CompleteLayerUpload')).toEqual([]);
    expect(registry.hasBlob(repositoryName, blob.digest)).toBe(false);
    expect(checkpoints.size).toBe(0);
  });

  it('starts over after wrong bytes that came from several reads, since none of them need be wrong', async () => {
    const started = await start();
    await interrupted(started);
    const others = new CountedSource(seededBytes('another version', layer.byteLength));
    await expect((await started.worker()).upload(others)).rejects.toMatchObject({
      name: 'CopyError',
      code: 'DIGEST_INVALID',
      temporary: true,
    });
    expect(started.checkpoints.size).toBe(0);
    const source = new CountedSource(layer);
    await (await started.worker()).upload(source);
    expect(source.opened).toEqual([0]);
    expect(started.registry.hasBlob(repositoryName, blob.digest)).toBe(true);
  });

  it('survives a source that breaks and comes back', async () => {
    const { registry, worker } = await start();
    const source = new CountedSource(layer);
    const breaks = [13 * MiB, 13 * MiB, 22 * MiB];
    source.before = (position) => {
      if (position !== breaks[0]) return;
      breaks.shift();
      throw temporaryFailure('reset');
    };
    await (await worker()).upload(source);
    expect(source).toMatchObject({ opened: [0, 13 * MiB, 13 * MiB, 22 * MiB], read: layer.byteLength });
    expect(registry.hasBlob(repositoryName, blob.digest)).toBe(true);
  });

  it('survives trouble with the API for longer than the SDK does', async () => {
    const { registry, worker, operations } = await start();
    registry.faults.add({
      match: { operation: 'UploadLayerPart', times: 6 },
      action: { kind: 'status', status: 500 },
    });
    registry.faults.add({ match: { operation: 'UploadLayerPart', times: 1 }, action: { kind: 'cut' } });
    await (await worker()).upload(new CountedSource(layer));
    expect(operations('UploadLayerPart').filter((status) => status === 200)).toHaveLength(3);
    expect(registry.hasBlob(repositoryName, blob.digest)).toBe(true);
  });

  it('reads one part ahead of the one that is being sent, and no further', async () => {
    const { registry, worker } = await start();
    registry.faults.add({ match: { operation: 'UploadLayerPart' }, action: { kind: 'stall' } });
    const source = new CountedSource(layer);
    const abort = new AbortController();
    const uploading = (await worker()).upload(source, { signal: abort.signal });
    uploading.catch(() => {});
    await vi.waitFor(() => expect(source.read).toBe(2 * partBytes), { timeout: 15_000 });
    await sleep(300);
    abort.abort(new Error('enough'));
    await expect(uploading).rejects.toBe(abort.signal.reason);
    expect(source.read).toBe(2 * partBytes);
  });

  it.each(['source', 'part', 'checkpoint', 'initiate'])(
    'ends within a moment when it is cancelled while the %s is stuck, and keeps its checkpoint',
    async (stuck) => {
      const started = await start();
      const before = stuck === 'initiate' ? undefined : await interrupted(started);
      const source = new CountedSource(layer);
      const never = () => new Promise<void>(() => {});
      if (stuck === 'source') source.before = never;
      if (stuck === 'checkpoint') started.checkpoints.beforeWrite = never;
      const operation = stuck === 'part' ? 'UploadLayerPart' : 'InitiateLayerUpload';
      if (stuck === 'part' || stuck === 'initiate') {
        started.registry.faults.add({ match: { operation }, action: { kind: 'stall' } });
      }
      const abort = new AbortController();
      const uploading = (await started.worker()).upload(source, { signal: abort.signal });
      const ended = timeOf(uploading);
      const delay = 700;
      setTimeout(() => abort.abort(new Error('enough')), delay);

      expect(await ended).toBeLessThan(3_000);
      await expect(uploading).rejects.toBe(abort.signal.reason);
      expect(await started.checkpoint()).toEqual(before);
    },
  );

  it('does nothing for a caller that has already given up', async () => {
    const { worker, operations } = await start();
    const signal = AbortSignal.abort(new Error('too late'));
    await expect((await worker()).upload(new CountedSource(layer), { signal })).rejects.toBe(signal.reason);
    expect(operations('InitiateLayerUpload')).toEqual([]);
  });

  it('is refused if it has more parts than a layer may have', async () => {
    const { worker, checkpoints } = await start();
    const source = new CountedSource(layer);
    const large = { ...blob, size: 4_200 * partBytes + 1 };
    await expect((await worker()).upload(source, {}, large)).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      temporary: false,
      message: expect.stringMatching(/4200 parts of 10485760 bytes/),
    });
    expect(source.opened).toEqual([]);
    expect(checkpoints.size).toBe(0);
  });
});
