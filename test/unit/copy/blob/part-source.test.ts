import { describe, expect, it } from 'vitest';
import { PartSource } from '../../../../core/copy/blob/part-source.ts';
import { digestAlgorithm } from '../../../../core/oci/digest.ts';
import { createResumableDigest, loadResumableDigest } from '../../../../core/oci/resumable-digest.ts';
import { timeOf } from '../../../support/byte-streams.ts';
import { CountedSource } from '../../../support/counted-source.ts';
import { blobOf } from '../../../support/memory-image.ts';
import { temporaryFailure } from '../../../support/recording-stores.ts';
import { seededBytes } from '../../../support/seeded-layer.ts';

const bytes = seededBytes('parts', 1_050);
const blob = blobOf(bytes);

const begin = async (source: CountedSource, of = blob, signal = new AbortController().signal) =>
  new PartSource(of, source.open, { offset: 0, digest: await createResumableDigest('sha256') }, signal);

describe('a source of parts', () => {
  it('reads parts of the requested size, whatever the chunks, and then no more', async () => {
    for (const chunk of [1, 7, 100, 256, 4_096]) {
      const source = await begin(new CountedSource(bytes, chunk));
      const sizes: number[] = [];
      const all: number[] = [];
      for (let part = await source.next(250); part; part = await source.next(250)) {
        expect(part.offset).toBe(all.length);
        sizes.push(part.bytes.byteLength);
        all.push(...part.bytes);
        expect(source.position).toBe(all.length);
      }
      expect(sizes).toEqual([250, 250, 250, 250, 50]);
      expect(Buffer.from(all)).toEqual(Buffer.from(bytes));
    }
  });

  it('holds two parts, and never a third', async () => {
    const source = await begin(new CountedSource(bytes));
    const memory: ArrayBufferLike[] = [];
    for (let part = await source.next(200); part; part = await source.next(200))
      memory.push(part.bytes.buffer);
    expect(memory).toHaveLength(6);
    expect(new Set(memory).size).toBe(2);
    for (let i = 1; i < memory.length; i++) expect(memory[i]).not.toBe(memory[i - 1]);
  });

  it('continues from the state that a part came with', async () => {
    const first = await begin(new CountedSource(bytes));
    await first.next(400);
    const part = await first.next(400);
    if (!part) throw new Error('no part');
    const digest = await loadResumableDigest(digestAlgorithm(blob.digest), part.hashState, 800);
    const counted = new CountedSource(bytes);
    const second = new PartSource(blob, counted.open, { offset: 800, digest }, new AbortController().signal);
    expect(await second.next(400)).toMatchObject({ offset: 800 });
    expect(await second.next(400)).toBeUndefined();
    expect(counted).toMatchObject({ opened: [800], read: 250 });
  });

  it.each([
    ['other bytes', 'DIGEST_INVALID', seededBytes('others', 1_050)],
    ['too few bytes', 'SIZE_INVALID', bytes.subarray(0, 1_049)],
    ['too many bytes', 'SIZE_INVALID', Buffer.concat([bytes, bytes])],
    ['one byte too many', 'SIZE_INVALID', Buffer.concat([bytes, Buffer.alloc(1)])],
  ])('withholds the last part from %s', async (_, code, wrong) => {
    for (const chunk of [50, 4_096]) {
      const source = await begin(new CountedSource(wrong, chunk));
      await source.next(1_000);
      await expect(source.next(1_000)).rejects.toMatchObject({ name: 'CopyError', code, side: 'upstream' });
    }
  });

  it('reopens a broken stream where it broke', async () => {
    const counted = new CountedSource(bytes, 100);
    const breaks = [300, 300, 1_050];
    counted.before = (position) => {
      if (position !== breaks[0]) return;
      breaks.shift();
      throw temporaryFailure('reset');
    };
    const source = await begin(counted);
    for (let part = await source.next(500); part; part = await source.next(500));
    expect(counted.opened).toEqual([0, 300, 300, 1_050]);
    expect(counted.read).toBe(1_050);
  });

  it('gives up on a source that breaks again and again without a part, and at once on one that fails for good', async () => {
    for (const [failure, opened] of [
      [temporaryFailure('reset'), 5],
      [new Error('gone'), 1],
    ] as const) {
      const counted = new CountedSource(bytes, 100);
      counted.before = () => {
        throw failure;
      };
      const source = await begin(counted);
      await expect(source.next(500)).rejects.toBe(failure);
      expect(counted.opened).toHaveLength(opened);
    }
  });

  it('ends at once when the signal aborts, even if the stream is stuck', async () => {
    const abort = new AbortController();
    const counted = new CountedSource(bytes, 100);
    counted.before = () => new Promise(() => {});
    const source = await begin(counted, blob, abort.signal);
    const reading = source.next(500);
    setTimeout(() => abort.abort(new Error('enough')), 20);
    expect(await timeOf(reading)).toBeLessThan(1_000);
    await expect(reading).rejects.toBe(abort.signal.reason);
    source.close();
  });
});
