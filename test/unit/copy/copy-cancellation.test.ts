import { describe, expect, it, vi } from 'vitest';
import { copyBlobs } from '../../../core/copy/copy.ts';
import { plan } from '../../../core/copy/plan.ts';
import type { ImageSource } from '../../../core/copy/ports.ts';
import { inChunks, stalling, timeOf } from '../../support/byte-streams.ts';
import { storeWith } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import {
  countingMirror,
  destinationLike,
  sourceLike,
  temporaryFailure,
} from '../../support/recording-stores.ts';
import { seededImage } from '../../support/seeded-image.ts';

const image = seededImage({
  seed: 'cancelled',
  layers: [{ size: 10_000 }, { size: 5_000 }, { size: 3_000 }],
});

describe('a cancelled copy of blobs', () => {
  const store = storeWith(image);
  const start = async (source: ImageSource, options: Parameters<typeof copyBlobs>[3] = {}) => {
    const counting = countingMirror();
    const made = await plan(store, counting.mirror, 'latest');
    const copying = copyBlobs(source, counting.destination, made, options);
    copying.catch(() => {});
    return { ...counting, copying };
  };

  it('ends within a moment when it is cancelled, with the reason', async () => {
    const abort = new AbortController();
    const source = sourceLike(store, {
      blob: async (blob, options) =>
        stalling((image.blobs.get(blob.digest) as Uint8Array).subarray(0, 10), options?.signal),
    });
    const { copying, sessions } = await start(source, { signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 20);

    expect(await timeOf(copying)).toBeLessThan(3_000);
    await expect(copying).rejects.toBe(abort.signal.reason);
    expect(sessions.map(({ ended }) => ended)).toEqual(Array(4).fill('cancelled'));
  });

  it('ends a pause between two attempts when it is cancelled', async () => {
    const abort = new AbortController();
    const source = sourceLike(store, {
      blob: async () => {
        throw temporaryFailure('busy', { retryAfterMs: 9_000 });
      },
    });
    const { copying } = await start(source, { signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 20);
    expect(await timeOf(copying)).toBeLessThan(3_000);
    await expect(copying).rejects.toBe(abort.signal.reason);
  });

  it('ends the read when the mirror refuses the upload', async () => {
    let signal: AbortSignal | undefined;
    const source = sourceLike(store, {
      blob: async (blob, options) => {
        signal = options?.signal;
        return await store.blob(blob);
      },
    });
    const mirror = new MemoryStore('mirror');
    const destination = destinationLike(mirror, {
      openUpload: async () => {
        throw new Error('no space left');
      },
    });
    const copying = copyBlobs(source, destination, await plan(store, mirror, 'latest'));
    await expect(copying).rejects.toThrow('no space left');
    expect(signal?.aborted).toBe(true);
  });

  it('ends the read of an attempt that failed before the next one begins', async () => {
    const one = seededImage({ seed: 'config alone', layers: [] });
    const only = storeWith(one);
    const signals: (AbortSignal | undefined)[] = [];
    const source = sourceLike(only, {
      blob: async (blob, options) => {
        expect(signals.every((signal) => signal?.aborted)).toBe(true);
        signals.push(options?.signal);
        return inChunks(one.blobs.get(blob.digest) as Uint8Array, 10);
      },
    });
    const mirror = new MemoryStore('mirror');
    const destination = destinationLike(mirror, {
      openUpload: async (blob, options) => {
        const opened = await mirror.openUpload(blob, options);
        if (opened.kind !== 'session' || signals.length > 1) return opened;
        const write = async (body: AsyncIterable<Uint8Array>) => {
          for await (const _ of body) throw temporaryFailure('the upload broke');
        };
        return { kind: 'session', upload: { ...opened.upload, write } };
      },
    });
    const { configs } = await copyBlobs(source, destination, await plan(only, mirror, 'latest'));
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, false]);
    // What the first attempt read of the config is not part of what is kept.
    expect(Buffer.from(configs.get(one.config.digest) as Uint8Array)).toEqual(
      Buffer.from(one.blobs.get(one.config.digest) as Uint8Array),
    );
  });

  it('does nothing for a caller that has already given up', async () => {
    const open = vi.fn();
    const signal = AbortSignal.abort(new Error('too late'));
    const { copying, sessions } = await start(sourceLike(store, { blob: open }), { signal });
    await expect(copying).rejects.toBe(signal.reason);
    expect(open).not.toHaveBeenCalled();
    expect(sessions).toEqual([]);
  });
});
