import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { type CopyEvent, copyBlobs } from '../../../core/copy/copy.ts';
import { MemoryStore } from '../../../core/copy/memory-store.ts';
import { plan } from '../../../core/copy/plan.ts';
import type { ImageSource } from '../../../core/copy/ports.ts';
import type { Descriptor } from '../../../core/oci/descriptor.ts';
import { inChunks, stalling, timeOf } from '../../support/byte-streams.ts';
import { storeWith } from '../../support/memory-image.ts';
import { countingMirror, sourceLike, temporaryFailure } from '../../support/recording-stores.ts';
import { seededImage } from '../../support/seeded-image.ts';

const image = seededImage({ seed: 'failing', layers: [{ size: 10_000 }, { size: 5_000 }, { size: 3_000 }] });
const bytesOf = (blob: Descriptor) => image.blobs.get(blob.digest) as Uint8Array;
const [largest] = image.layers as [Descriptor];

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

    expect(await timeOf(copying)).toBeLessThan(3_000);
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
});
