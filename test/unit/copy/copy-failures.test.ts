import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { type CopyEvent, copyBlobs } from '../../../core/copy/copy.ts';
import { MemoryStore } from '../../../core/copy/memory-store.ts';
import { plan } from '../../../core/copy/plan.ts';
import type { ImageDestination, ImageSource } from '../../../core/copy/ports.ts';
import type { Descriptor } from '../../../core/oci/descriptor.ts';
import { inChunks, stalling, timeOf } from '../../support/byte-streams.ts';
import { storeWith } from '../../support/memory-image.ts';
import { destinationLike, sourceLike, temporaryFailure } from '../../support/recording-stores.ts';
import { seededImage } from '../../support/seeded-image.ts';

const image = seededImage({ seed: 'failing', layers: [{ size: 10_000 }, { size: 5_000 }, { size: 3_000 }] });
const bytesOf = (blob: Descriptor) => image.blobs.get(blob.digest) as Uint8Array;
const [largest] = image.layers as [Descriptor];

/** A mirror that keeps count of its sessions: what got through, and how each ended. */
function countingMirror(mirror = new MemoryStore('mirror')) {
  const sessions: { blob: Descriptor; received: number; ended?: 'written' | 'cancelled' }[] = [];
  const destination: ImageDestination = destinationLike(mirror, {
    openUpload: async (blob, options) => {
      const opened = await mirror.openUpload(blob, options);
      if (opened.kind === 'mounted') return opened;
      const session: (typeof sessions)[number] = { blob, received: 0 };
      sessions.push(session);
      return {
        kind: 'session',
        upload: {
          async write(body, call) {
            const counted = (async function* () {
              for await (const chunk of body) {
                session.received += chunk.byteLength;
                yield chunk;
              }
            })();
            await opened.upload.write(counted, call);
            session.ended = 'written';
          },
          async cancel() {
            session.ended = 'cancelled';
          },
        },
      };
    },
  });
  return { mirror, destination, sessions };
}

describe('the copy of blobs that fail', () => {
  const store = storeWith(image);
  const start = async (source: ImageSource, options: Parameters<typeof copyBlobs>[3] = {}) => {
    const counting = countingMirror();
    const copying = copyBlobs(
      source,
      counting.destination,
      await plan(store, counting.mirror, 'latest'),
      options,
    );
    copying.catch(() => {});
    return { ...counting, copying };
  };

  it('begins a blob anew after a failure that may pass, and counts its bytes once', async () => {
    let reads = 0;
    const source = sourceLike(store, {
      blob: async (blob) => {
        if (blob.digest !== largest.digest || ++reads > 2) return inChunks(bytesOf(blob), 1_000);
        return (async function* () {
          yield bytesOf(blob).subarray(0, 4_000);
          throw temporaryFailure('the connection broke');
        })();
      },
    });
    const events: CopyEvent[] = [];
    const { copying, mirror, sessions } = await start(source, { onEvent: (event) => events.push(event) });
    const { transfer } = await copying;

    const ofLargest = events.filter(({ blob }) => blob.digest === largest.digest);
    const restarts = ofLargest.filter((event) => event.type === 'restart');
    expect(restarts.map(({ bytes }) => bytes)).toEqual([4_000, 4_000]);
    const net = ofLargest.reduce(
      (sum, event) =>
        sum + (event.type === 'bytes' ? event.bytes : event.type === 'restart' ? -event.bytes : 0),
      0,
    );
    expect(net).toBe(10_000);
    expect(transfer.copied).toEqual({ blobs: 4, bytes: 18_000 + image.config.size });
    expect(mirror.blobs).toEqual(store.blobs);
    expect(sessions.filter(({ blob }) => blob.digest === largest.digest).map(({ ended }) => ended)).toEqual([
      'cancelled',
      'cancelled',
      'written',
    ]);
  });

  it('tries a blob three times, and not at once when the registry asks for patience', async () => {
    const failing = (more: Record<string, unknown> = {}) => {
      const open = vi.fn(async () => {
        throw temporaryFailure('busy', more);
      });
      return { open, source: sourceLike(store, { blob: open }) };
    };
    const one = seededImage({ seed: 'one blob', layers: [] });
    const only = storeWith(one);
    const run = async (source: ImageSource) => {
      const mirror = new MemoryStore('mirror');
      await copyBlobs(source, mirror, await plan(only, mirror, 'latest'));
    };
    const busy = failing();
    await expect(run(busy.source)).rejects.toThrow('busy');
    expect(busy.open).toHaveBeenCalledTimes(3);

    const patient = failing({ retryAfterMs: 60_000 });
    await expect(run(patient.source)).rejects.toThrow('busy');
    expect(patient.open).toHaveBeenCalledTimes(1);
  });

  it('cancels the rest after a failure that does not pass, and gives every session back', async () => {
    const failure = new Error('denied');
    const signals: AbortSignal[] = [];
    const source = sourceLike(store, {
      blob: async (blob, options) => {
        if (options?.signal) signals.push(options.signal);
        if (blob.digest === largest.digest) {
          await sleep(20);
          throw failure;
        }
        return stalling(bytesOf(blob).subarray(0, 100), options?.signal);
      },
    });
    const { copying, mirror, sessions } = await start(source, { concurrency: 3 });

    expect(await timeOf(copying)).toBeLessThan(1_000);
    await expect(copying).rejects.toBe(failure);
    expect(sessions.map(({ ended }) => ended)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
    // The fourth had not begun, and never did.
    expect(signals).toHaveLength(3);
    expect(mirror.blobs.size).toBe(0);
  });

  it.each([
    ['other bytes', (bytes: Uint8Array) => bytes.map((byte) => byte ^ 1), 'DIGEST_INVALID'],
    ['fewer bytes', (bytes: Uint8Array) => bytes.subarray(0, -1), 'SIZE_INVALID'],
    ['more bytes', (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.from('!')]), 'SIZE_INVALID'],
  ])('never completes the upload of a blob of which %s come', async (_, change, code) => {
    const source = sourceLike(store, {
      blob: async (blob) =>
        inChunks(blob.digest === largest.digest ? change(bytesOf(blob)) : bytesOf(blob), 1_000),
    });
    const { copying, mirror, sessions } = await start(source);

    await expect(copying).rejects.toMatchObject({
      name: 'CopyError',
      code,
      side: 'upstream',
      temporary: false,
    });
    const ofLargest = sessions.filter(({ blob }) => blob.digest === largest.digest);
    expect(ofLargest).toHaveLength(1);
    expect(ofLargest[0]?.received).toBeLessThan(largest.size);
    expect(ofLargest[0]?.ended).toBe('cancelled');
    expect(mirror.blobs.has(largest.digest)).toBe(false);
  });

  it('ends within a moment when it is cancelled, with the reason', async () => {
    const abort = new AbortController();
    const source = sourceLike(store, {
      blob: async (blob, options) => stalling(bytesOf(blob).subarray(0, 10), options?.signal),
    });
    const { copying, sessions } = await start(source, { signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 20);

    expect(await timeOf(copying)).toBeLessThan(500);
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
    expect(await timeOf(copying)).toBeLessThan(500);
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
        if (opened.kind === 'mounted' || signals.length > 1) return opened;
        const write = async (body: AsyncIterable<Uint8Array>) => {
          for await (const _ of body) throw temporaryFailure('the upload broke');
        };
        return { kind: 'session', upload: { ...opened.upload, write } };
      },
    });
    const { configs } = await copyBlobs(source, destination, await plan(only, mirror, 'latest'));
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, false]);
    // What the first attempt had read of the config is no part of what is kept.
    expect(Buffer.from(configs.get(one.config.digest) as Uint8Array)).toEqual(
      Buffer.from(one.blobs.get(one.config.digest) as Uint8Array),
    );
  });

  it('does nothing for a caller that has given up already', async () => {
    const open = vi.fn();
    const signal = AbortSignal.abort(new Error('too late'));
    const { copying, sessions } = await start(sourceLike(store, { blob: open }), { signal });
    await expect(copying).rejects.toBe(signal.reason);
    expect(open).not.toHaveBeenCalled();
    expect(sessions).toEqual([]);
  });
});
