import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DigestAlgorithm, digestOf } from '../../../core/oci/digest.ts';
import {
  createResumableDigest,
  InvalidDigestStateError,
  loadResumableDigest,
} from '../../../core/oci/resumable-digest.ts';
import { seededBytes } from '../../support/seeded-layer.ts';

/** A state as the code writes it, with some of its bytes changed and the checksum corrected. */
function forged(saved: string, change: (state: Buffer) => void): string {
  const state = Buffer.from(saved, 'base64').subarray(0, -8);
  change(state);
  const checksum = createHash('sha256').update(state).digest().subarray(0, 8);
  return Buffer.concat([state, checksum]).toString('base64');
}

describe.each(['sha256', 'sha512'] as const)('a resumable %s', (algorithm: DigestAlgorithm) => {
  it('is the digest of everything, however often it was saved and loaded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), async (pieces) => {
        let digest = await createResumableDigest(algorithm);
        let count = 0;
        for (const piece of pieces) {
          digest.update(piece);
          count += piece.byteLength;
          digest = await loadResumableDigest(algorithm, digest.save(), count);
        }
        expect(digest.digest()).toBe(digestOf(Buffer.concat(pieces), algorithm));
        expect(digest.digest()).toBe(digestOf(Buffer.concat(pieces), algorithm));
      }),
    );
  });

  it('is not disturbed by others that continue from the same state', async () => {
    const [one, two] = [seededBytes('one', 5_000), seededBytes('two', 70_000)];
    const first = await createResumableDigest(algorithm);
    first.update(one);
    const saved = first.save();
    const second = await loadResumableDigest(algorithm, saved, one.byteLength);
    second.update(two);
    expect(first.digest()).toBe(digestOf(one, algorithm));
    expect(second.digest()).toBe(digestOf(Buffer.concat([one, two]), algorithm));
  });

  it('accepts nothing more once it was asked', async () => {
    const digest = await createResumableDigest(algorithm);
    digest.digest();
    expect(() => digest.update(new Uint8Array(1))).toThrow('asked already');
    expect(() => digest.save()).toThrow('asked already');
  });

  it('refuses a state that is damaged anywhere', async () => {
    const digest = await createResumableDigest(algorithm);
    digest.update(seededBytes('state', 1_000));
    const saved = digest.save();
    for (const damaged of ['', 'AAAA', saved.slice(0, -4), `${saved}AAAA`, '%%%', saved.toLowerCase()]) {
      await expect(loadResumableDigest(algorithm, damaged, 1_000)).rejects.toThrow(InvalidDigestStateError);
    }
    const bytes = Buffer.from(saved, 'base64');
    for (let i = 0; i < bytes.byteLength; i += 7) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(bytes.readUInt8(i) ^ 1, i);
      await expect(loadResumableDigest(algorithm, flipped.toString('base64'), 1_000)).rejects.toThrow(
        InvalidDigestStateError,
      );
    }
  });

  it('refuses a made-up state: of another build, count or size of the digest', async () => {
    const digest = await createResumableDigest(algorithm);
    digest.update(seededBytes('state', 1_000));
    const saved = digest.save();
    const size = Buffer.from(saved, 'base64').byteLength - 8;
    for (const change of [
      (state: Buffer) => state.writeUInt8(state.readUInt8(0) ^ 1, 0),
      (state: Buffer) => state.writeUInt32LE(1 << 20, size - 8), // would never end
      (state: Buffer) => state.writeUInt32LE(1, size - 4),
    ]) {
      await expect(loadResumableDigest(algorithm, forged(saved, change), 1_000)).rejects.toThrow(
        InvalidDigestStateError,
      );
    }
    await expect(loadResumableDigest(algorithm, saved, 999)).rejects.toThrow(
      'over 1000 bytes instead of 999',
    );
    expect(
      (
        await loadResumableDigest(
          algorithm,
          forged(saved, () => {}),
          1_000,
        )
      ).save(),
    ).toBe(saved);
  });

  it('refuses a state of the other algorithm', async () => {
    const other = await createResumableDigest(algorithm === 'sha256' ? 'sha512' : 'sha256');
    await expect(loadResumableDigest(algorithm, other.save(), 0)).rejects.toThrow(InvalidDigestStateError);
  });
});
