import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { type CopyEvent, copyBlobs } from '../../../core/copy/copy.ts';
import { plan } from '../../../core/copy/plan.ts';
import type { ImageSource } from '../../../core/copy/ports.ts';
import type { Descriptor } from '../../../core/oci/descriptor.ts';
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

const image = seededImage({ seed: 'failing', layers: [{ size: 10_000 }, { size: 5_000 }, { size: 3_000 }] });
const bytesOf = (blob: Descriptor) => image.blobs.get(blob.digest) as Uint8Array;
const [largest] = image.layers as [Descriptor];

describe('the copy of blobs that fail', () => {
  const store = storeWith(image);
  type Write = (body: AsyncIterable<Uint8Array>) => Promise<void>;
  const start = async (
    source: ImageSource,
    options: Parameters<typeof copyBlobs>[3] = {},
    writes: (blob: Descriptor, body: AsyncIterable<Uint8Array>, write: Write) => Promise<void> = (
      _,
      body,
      write,
    ) => write(body),
  ) => {
    const counting = countingMirror();
    const destination = destinationLike(counting.destination, {
      openUpload: async (blob, call) => {
        const opened = await counting.destination.openUpload(blob, call);
        if (opened.kind !== 'session') return opened;
        const { upload } = opened;
        const write: Write = (body) => upload.write(body, call);
        return { kind: 'session', upload: { ...upload, write: (body) => writes(blob, body, write) } };
      },
    });
    const copying = copyBlobs(source, destination, await plan(store, counting.mirror, 'latest'), options);
    copying.catch(() => {});
    return { ...counting, copying };
  };

  it('starts a blob over after a temporary failure, and counts its bytes once', async () => {
    let uploads = 0;
    const source = sourceLike(store, { blob: async (blob) => inChunks(bytesOf(blob), 1_000) });
    const events: CopyEvent[] = [];
    const { copying, mirror, sessions } = await start(
      source,
      { onEvent: (event) => events.push(event) },
      async (blob, body, write) => {
        if (blob.digest !== largest.digest || ++uploads > 2) return await write(body);
        let received = 0;
        for await (const chunk of body) {
          received += chunk.byteLength;
          if (received === 4_000) throw temporaryFailure('the connection broke');
        }
      },
    );
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

  it('continues after a read that breaks, in the same upload', async () => {
    const offsets: (number | undefined)[] = [];
    const source = sourceLike(store, {
      blob: async (blob, options) => {
        const bytes = bytesOf(blob).subarray(options?.offset);
        if (blob.digest !== largest.digest || offsets.push(options?.offset) > 2)
          return inChunks(bytes, 1_000);
        return (async function* () {
          yield bytes.subarray(0, 4_000);
          throw temporaryFailure('the connection broke');
        })();
      },
    });
    const events: CopyEvent[] = [];
    const { copying, mirror, sessions } = await start(source, { onEvent: (event) => events.push(event) });
    await copying;

    expect(offsets).toEqual([0, 4_000, 8_000]);
    expect(events.filter(({ type }) => type === 'restart')).toEqual([]);
    expect(sessions.filter(({ blob }) => blob.digest === largest.digest).map(({ ended }) => ended)).toEqual([
      'written',
    ]);
    expect(mirror.blobs).toEqual(store.blobs);
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

  it('cancels the rest after a permanent failure, and closes every session', async () => {
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
  ])('never completes the upload of a blob if %s arrive', async (_, change, code) => {
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
