import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Download } from '../../../../core/copy/blob/download.ts';
import type { Descriptor } from '../../../../core/oci/descriptor.ts';
import { digestOf } from '../../../../core/oci/digest.ts';
import { chunks, collected, inChunks } from '../../../support/byte-streams.ts';
import { blobOf } from '../../../support/memory-image.ts';
import { temporaryFailure } from '../../../support/recording-stores.ts';
import { seededBytes } from '../../../support/seeded-layer.ts';

const empty = new Uint8Array();

/** A download of one read. */
function verified(body: AsyncIterable<Uint8Array>, blob: Descriptor, onBytes?: (bytes: number) => void) {
  return new Download(async () => body, blob, { onBytes });
}

/** How many bytes get through before the stream ends or fails. */
async function passed(stream: AsyncIterable<Uint8Array>): Promise<{ bytes: number; error?: unknown }> {
  let bytes = 0;
  try {
    for await (const chunk of stream) bytes += chunk.byteLength;
    return { bytes };
  } catch (error) {
    return { bytes, error };
  }
}

describe('a download', () => {
  const bytes = seededBytes('verified', 1_000);

  it('passes on the bytes of its blob, however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 12 }), async (pieces) => {
        const whole = Buffer.concat(pieces);
        let told = 0;
        const stream = verified(chunks(...pieces), blobOf(whole), (count) => {
          told += count;
        });
        expect(await collected(stream)).toEqual(whole);
        expect(told).toBe(whole.byteLength);
      }),
    );
  });

  it('never lets a damaged blob pass whole, however it is cut', async () => {
    const piece = fc.uint8Array({ maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 12 }), fc.nat(), async (pieces, at) => {
        const whole = Buffer.concat(pieces);
        fc.pre(whole.byteLength > 0);
        const blob = blobOf(whole);
        const damaged = whole.map((byte, i) => (i === at % whole.byteLength ? byte ^ 1 : byte));
        const ends = pieces.map((_, i) => Buffer.concat(pieces.slice(0, i + 1)).byteLength);
        const cut = ends.map((end, i) => damaged.subarray(ends[i - 1] ?? 0, end));

        const { bytes: through, error } = await passed(verified(chunks(...cut), blob));
        expect(error).toMatchObject({ code: 'DIGEST_INVALID', side: 'upstream', temporary: false });
        expect(through).toBeLessThan(whole.byteLength);
      }),
    );
  });

  it('holds back the last bytes even if an empty chunk follows them', async () => {
    const other = seededBytes('other', 1_000);
    const { bytes: through, error } = await passed(verified(chunks(other, empty, empty), blobOf(bytes)));
    expect(error).toMatchObject({ code: 'DIGEST_INVALID' });
    expect(through).toBe(0);
  });

  it('names both digests', async () => {
    const other = seededBytes('other', 1_000);
    const { error } = await passed(verified(inChunks(other, 100), blobOf(bytes)));
    expect(String(error)).toContain(digestOf(bytes));
    expect(String(error)).toContain(digestOf(other));
  });

  it.each([
    ['fewer', 999, /999 bytes arrived, but its descriptor says 1000/],
    ['more', 1_001, /more than the 1000 bytes/],
  ])('refuses %s bytes than promised, and never lets that many pass', async (_, size, message) => {
    const blob = { ...blobOf(seededBytes('sized', size)), size: 1_000 };
    const { bytes: through, error } = await passed(verified(inChunks(seededBytes('sized', size), 100), blob));
    expect(error).toMatchObject({ code: 'SIZE_INVALID', side: 'upstream' });
    expect(String(error)).toMatch(message);
    expect(through).toBeLessThan(1_000);
  });

  it('stops reading an endless stream', async () => {
    let ended = false;
    const endless = (async function* () {
      try {
        for (;;) yield bytes;
      } finally {
        ended = true;
      }
    })();
    const { error } = await passed(verified(endless, blobOf(bytes)));
    expect(error).toMatchObject({ code: 'SIZE_INVALID' });
    expect(ended).toBe(true);
  });

  it('verifies sha512, and an empty blob', async () => {
    const long = { ...blobOf(bytes), digest: digestOf(bytes, 'sha512') };
    expect(await collected(verified(inChunks(bytes, 64), long))).toEqual(Buffer.from(bytes));
    expect(await collected(verified(chunks(), blobOf(empty)))).toEqual(Buffer.from(empty));
    const { error } = await passed(verified(chunks(), { ...blobOf(bytes), size: 0 }));
    expect(error).toMatchObject({ code: 'DIGEST_INVALID' });
  });
});

describe('a download that breaks', () => {
  const bytes = seededBytes('broken', 3_000_000);
  const blob = blobOf(bytes);
  const pause = async () => {};

  /** Reads that break after this many bytes each; the last one does not. */
  function breakingAfter(...lengths: number[]) {
    const offsets: number[] = [];
    const read = async (offset: number) => {
      offsets.push(offset);
      const length = lengths.shift();
      return (async function* () {
        yield* inChunks(bytes.subarray(offset, length === undefined ? undefined : offset + length));
        if (length !== undefined) throw temporaryFailure('the connection broke');
      })();
    };
    return { read, offsets };
  }

  it('continues after the last byte, and is verified as a whole', async () => {
    const { read, offsets } = breakingAfter(100_000, 0, 1_500_000);
    let told = 0;
    const download = new Download(read, blob, { pause, onBytes: (count) => (told += count) });
    expect(await collected(download)).toEqual(Buffer.from(bytes));
    expect(offsets).toEqual([0, 100_000, 100_000, 1_600_000]);
    expect(told).toBe(bytes.byteLength);
  });

  it('is given up when it makes no progress several times in a row', async () => {
    const { read, offsets } = breakingAfter(50, 0, 0, 0, 0, 0);
    const { error } = await passed(new Download(read, blob, { pause, attempts: 3 }));
    expect(String(error)).toContain('the connection broke');
    expect(offsets).toEqual([0, 50, 50]);
  });

  it('continues as often as it takes while it makes progress', async () => {
    const { read, offsets } = breakingAfter(...Array.from({ length: 2 }, () => 1_100_000));
    expect(await collected(new Download(read, blob, { pause, attempts: 2 }))).toEqual(Buffer.from(bytes));
    expect(offsets).toEqual([0, 1_100_000, 2_200_000]);
  });

  it('does not read again what failed for good', async () => {
    const offsets: number[] = [];
    const download = new Download(
      async (offset) => {
        offsets.push(offset);
        throw new Error('not found');
      },
      blob,
      { pause },
    );
    expect(await passed(download)).toEqual({ bytes: 0, error: new Error('not found') });
    expect(offsets).toEqual([0]);
  });

  it('never passes a blob whose continuation belongs to something else', async () => {
    const other = seededBytes('other', bytes.byteLength);
    const read = async (offset: number) =>
      (async function* () {
        if (offset > 0) return yield* inChunks(other.subarray(offset));
        yield* inChunks(bytes.subarray(0, 10_000));
        throw temporaryFailure('the connection broke');
      })();
    const { bytes: through, error } = await passed(new Download(read, blob, { pause }));
    expect(error).toMatchObject({ code: 'DIGEST_INVALID' });
    expect(through).toBeLessThan(bytes.byteLength);
  });

  it('pauses its source while nobody takes the chunks', async () => {
    let given = 0;
    const source = (async function* () {
      for (const chunk of [...Array(100)].map((_, i) => bytes.subarray(i * 30_000, (i + 1) * 30_000))) {
        given += 1;
        yield chunk;
      }
    })();
    const download = new Download(async () => source, blob);
    const iterator = download[Symbol.asyncIterator]();
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(given).toBeLessThan(10);
    download.destroy();
  });
});
