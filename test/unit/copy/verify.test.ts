import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectHeldSize, verified } from '../../../core/copy/verify.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { chunks, collected, inChunks } from '../../support/byte-streams.ts';
import { blobOf } from '../../support/memory-image.ts';
import { seededBytes } from '../../support/seeded-layer.ts';

const empty = new Uint8Array();

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

describe('a verified stream', () => {
  const bytes = seededBytes('verified', 1_000);

  it('passes the bytes of its blob on, however they are cut', async () => {
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

  it('holds the last bytes back even if an empty chunk follows them', async () => {
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
    ['fewer', 999, /999 bytes came, its descriptor says 1000/],
    ['more', 1_001, /more than the 1000 bytes/],
  ])('refuses %s bytes than promised, and never lets that many pass', async (_, size, message) => {
    const blob = { ...blobOf(seededBytes('sized', size)), size: 1_000 };
    const { bytes: through, error } = await passed(verified(inChunks(seededBytes('sized', size), 100), blob));
    expect(error).toMatchObject({ code: 'SIZE_INVALID', side: 'upstream' });
    expect(String(error)).toMatch(message);
    expect(through).toBeLessThan(1_000);
  });

  it('stops reading a stream that goes on for ever', async () => {
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

  it('verifies sha512, and a blob of nothing', async () => {
    const long = { ...blobOf(bytes), digest: digestOf(bytes, 'sha512') };
    expect(await collected(verified(inChunks(bytes, 64), long))).toEqual(Buffer.from(bytes));
    expect(await collected(verified(chunks(), blobOf(empty)))).toEqual(Buffer.from(empty));
    const { error } = await passed(verified(chunks(), { ...blobOf(bytes), size: 0 }));
    expect(error).toMatchObject({ code: 'DIGEST_INVALID' });
  });
});

describe('the size of a blob that a repository holds', () => {
  const blob = blobOf('held');

  it('may be what its descriptor says, or not told', () => {
    expect(() => expectHeldSize('mirror/app', blob, 4)).not.toThrow();
    expect(() => expectHeldSize('mirror/app', blob, undefined)).not.toThrow();
  });

  it.each([0, 3, 5])('shows that the descriptor lies: %s instead of 4', (size) => {
    const check = () => expectHeldSize('mirror/app', blob, size);
    expect(check).toThrow(`${blob.digest}: mirror/app holds it with ${size} bytes, its descriptor says 4`);
    expect(check).toThrow(
      expect.objectContaining({ code: 'SIZE_INVALID', side: 'upstream', temporary: false }),
    );
  });
});
