import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type CopyEvent, copyBlobs } from '../../../core/copy/copy.ts';
import { plan } from '../../../core/copy/plan.ts';
import { inChunks } from '../../support/byte-streams.ts';
import { storeWith } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { destinationLike, Gauge, sourceLike } from '../../support/recording-stores.ts';
import { seededImage } from '../../support/seeded-image.ts';

const image = seededImage({
  seed: 'copied',
  layers: [{ size: 300 }, { size: 90_000 }, { size: 4_000 }, { size: 40_000 }, { size: 2_100 }],
});

describe('the copy of blobs', () => {
  it('begins with the largest blob', async () => {
    const source = storeWith(image);
    const mirror = new MemoryStore('mirror');
    const begun: number[] = [];
    await copyBlobs(source, mirror, await plan(source, mirror, 'latest'), {
      concurrency: 1,
      onEvent: (event) => {
        if (event.type === 'start') begun.push(event.blob.size);
      },
    });
    expect(begun).toEqual([90_000, 40_000, 4_000, 2_100, 300, image.config.size].sort((a, b) => b - a));
    expect(mirror.blobs).toEqual(source.blobs);
  });

  it.each([1, 3])('copies %i at once and no more', async (concurrency) => {
    const store = storeWith(image);
    const mirror = new MemoryStore('mirror');
    const gauge = new Gauge();
    const destination = destinationLike(mirror, {
      openUpload: async (blob) => {
        const opened = await mirror.openUpload(blob);
        if (opened.kind !== 'session') return opened;
        const { upload } = opened;
        return {
          kind: 'session',
          upload: {
            ...upload,
            write: (body) =>
              gauge.during(async () => {
                await sleep(3);
                await upload.write(body);
              }),
          },
        };
      },
    });
    await copyBlobs(store, destination, await plan(store, mirror, 'latest'), { concurrency });
    expect(gauge.most).toBe(concurrency);
  });

  it('asks both ends at the same time, so that neither waits for the other', async () => {
    const store = storeWith(seededImage({ seed: 'tiny', layers: [] }));
    const mirror = new MemoryStore('mirror');
    const asked: string[] = [];
    const source = sourceLike(store, {
      blob: async (blob) => {
        asked.push('upstream');
        await sleep(5);
        return await store.blob(blob);
      },
    });
    const destination = destinationLike(mirror, {
      openUpload: async (blob) => {
        asked.push('mirror');
        expect(asked).toContain('upstream');
        return await mirror.openUpload(blob);
      },
    });
    await copyBlobs(source, destination, await plan(store, mirror, 'latest'));
    expect(asked).toEqual(['upstream', 'mirror']);
  });

  it('counts each blob once: copied, mounted or present', async () => {
    const store = storeWith(image);
    const mirror = new MemoryStore('mirror');
    const [small, large, mountable] = image.layers;
    if (!small || !large || !mountable) throw new Error('no layers');
    mirror.blobs.set(large.digest, image.blobs.get(large.digest) as Uint8Array);
    const reads: string[] = [];
    const source = sourceLike(store, {
      blob: async (blob) => {
        reads.push(blob.digest);
        return inChunks(image.blobs.get(blob.digest) as Uint8Array, 1_000);
      },
    });
    const destination = destinationLike(mirror, {
      openUpload: async (blob, options) => {
        if (options?.mountFrom === undefined || blob.digest !== mountable.digest)
          return await mirror.openUpload(blob);
        mirror.blobs.set(blob.digest, image.blobs.get(blob.digest) as Uint8Array);
        return { kind: 'mounted' };
      },
    });
    const events: CopyEvent[] = [];
    const refused: string[] = [];
    const { transfer } = await copyBlobs(source, destination, await plan(store, mirror, 'latest'), {
      // A mount is tried for two, and fails for the small one.
      mounts: {
        sourceOf: async (blob) =>
          [small.digest, mountable.digest].includes(blob.digest) ? 'other' : undefined,
        refused: (blob) => refused.push(blob.digest),
      },
      onEvent: (event) => events.push(event),
    });

    expect(transfer).toEqual({
      copied: { blobs: 4, bytes: 300 + 40_000 + 2_100 + image.config.size },
      mounted: { blobs: 1, bytes: 4_000 },
      present: { blobs: 1, bytes: 90_000 },
    });
    expect(reads).not.toContain(mountable.digest);
    expect(reads).not.toContain(large.digest);
    expect(reads).toContain(small.digest);
    expect(refused).toEqual([small.digest]);
    const bytes = events.reduce((sum, event) => sum + (event.type === 'bytes' ? event.bytes : 0), 0);
    expect(bytes).toBe(transfer.copied.bytes);
    expect(events.filter(({ type }) => type === 'end')).toHaveLength(5);
  });

  it('refuses a mounted blob whose size differs from its descriptor', async () => {
    const store = storeWith(image);
    const mirror = new MemoryStore('mirror');
    const made = await plan(store, mirror, 'latest');
    const lie = made.missing.find(({ size }) => size === 4_000);
    if (!lie) throw new Error('no layer');
    const destination = destinationLike(mirror, {
      openUpload: async (blob) => {
        mirror.blobs.set(blob.digest, image.blobs.get(blob.digest) as Uint8Array);
        return { kind: 'mounted' };
      },
    });
    const copying = copyBlobs(store, destination, { ...made, missing: [{ ...lie, size: 7 }] });
    await expect(copying).rejects.toMatchObject({ code: 'SIZE_INVALID', side: 'upstream' });
    await expect(copying).rejects.toThrow('4000 bytes, but its descriptor says 7');
  });

  it('returns the configs that passed through, and no layers', async () => {
    const store = storeWith(image);
    const mirror = new MemoryStore('mirror');
    const made = await plan(store, mirror, 'latest');
    const { configs } = await copyBlobs(store, mirror, made);
    expect([...configs.keys()]).toEqual([image.config.digest]);
    expect(Buffer.from(configs.get(image.config.digest) as Uint8Array)).toEqual(
      Buffer.from(image.blobs.get(image.config.digest) as Uint8Array),
    );
    expect((await copyBlobs(store, mirror, await plan(store, mirror, 'latest'))).configs).toEqual(new Map());
  });

  it('ends a read that was opened although the blob was mounted', async () => {
    const store = storeWith(seededImage({ seed: 'mounted anyway', layers: [] }));
    const mirror = new MemoryStore('mirror');
    let signal: AbortSignal | undefined;
    const source = sourceLike(store, {
      blob: async (blob, options) => {
        signal = options?.signal;
        return await store.blob(blob);
      },
    });
    const destination = destinationLike(mirror, { openUpload: async () => ({ kind: 'mounted' }) });
    const { transfer } = await copyBlobs(source, destination, await plan(store, mirror, 'latest'));
    expect(transfer.mounted.blobs).toBe(1);
    expect(signal?.aborted).toBe(true);
  });
});
