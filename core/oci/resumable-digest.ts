import { createHash } from 'node:crypto';
import { createSHA256, createSHA512 } from 'hash-wasm';
import type { Digest, DigestAlgorithm, DigestVerifier } from './digest.ts';

/** An incremental digest that another process can continue. */
export interface ResumableDigest extends DigestVerifier {
  /**
   * The state over everything given so far, base64: 168 characters for sha256, 296 for sha512. It
   * holds up to a block of the content (127 bytes). Throws after `digest` was called.
   */
  save(): string;
}

/**
 * A saved state can't be continued: it is damaged, or of a different number of bytes or version of
 * the library.
 */
export class InvalidDigestStateError extends Error {
  override readonly name = 'InvalidDigestStateError';
}

/** Bytes of the checksum after the library's state. */
const checksumBytes = 8;
/** Bytes of the library's state that identify the build that wrote it. */
const buildBytes = 4;

/**
 * Begins a digest whose state can be saved. Node's own hashes can't do that, hence WebAssembly. On
 * one core it reaches 285 MB/s for sha256 and 390 MB/s for sha512, where Node reaches 1,750 and
 * 860. That is still ten times the speed of one upload to a registry.
 */
export function createResumableDigest(algorithm: DigestAlgorithm): Promise<ResumableDigest> {
  return open(algorithm);
}

/**
 * Continues a digest.
 *
 * The state is not trusted: it must be complete, of this algorithm and build, and of exactly
 * `count` bytes. It can still be the state of other bytes; the digest is then wrong.
 *
 * @param count how many bytes the state must cover.
 * @throws InvalidDigestStateError saying what is wrong with it.
 */
export function loadResumableDigest(
  algorithm: DigestAlgorithm,
  saved: string,
  count: number,
): Promise<ResumableDigest> {
  return open(algorithm, { saved, count });
}

async function open(
  algorithm: DigestAlgorithm,
  from?: { saved: string; count: number },
): Promise<ResumableDigest> {
  const hash = await (algorithm === 'sha512' ? createSHA512() : createSHA256());
  if (from) {
    const state = unsealed(from.saved);
    expectState(state, from.count, hash);
    try {
      hash.load(state);
    } catch (cause) {
      throw new InvalidDigestStateError((cause as Error).message, { cause });
    }
  }
  let result: Digest | undefined;
  return {
    update(chunk) {
      if (result !== undefined) throw new Error('the digest was asked already');
      hash.update(chunk);
    },
    save() {
      if (result !== undefined) throw new Error('the digest was asked already');
      return sealed(hash.save());
    },
    digest() {
      result ??= `${algorithm}:${hash.digest()}`;
      return result;
    },
  };
}

/**
 * The library checks length and build. The rest of the layout is `struct sha256_ctx`: block, count,
 * hash, size of the digest (64 bits; another one than the hash's would have it read what lies
 * behind, without an end). https://github.com/Daninet/hash-wasm/blob/v4.12.0/src/sha256.c
 */
function expectState(
  state: Uint8Array,
  count: number,
  hash: { blockSize: number; digestSize: number },
): void {
  const countAt = buildBytes + hash.blockSize;
  const digestSizeAt = countAt + 8 + hash.digestSize;
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  if (state.byteLength !== digestSizeAt + 8)
    throw new InvalidDigestStateError('the state has another length');
  if (view.getBigUint64(digestSizeAt, true) !== BigInt(hash.digestSize)) {
    throw new InvalidDigestStateError('the state is of another hash');
  }
  const held = view.getBigUint64(countAt, true);
  if (held !== BigInt(count)) {
    throw new InvalidDigestStateError(`the state is over ${held} bytes instead of ${count}`);
  }
}

function sealed(state: Uint8Array): string {
  return Buffer.concat([state, checksumOf(state)]).toString('base64');
}

function unsealed(saved: string): Uint8Array {
  const bytes = Buffer.from(saved, 'base64');
  const state = bytes.subarray(0, -checksumBytes);
  // Buffer leaves out what is not base64: only what reads back as it was is taken.
  const whole = bytes.toString('base64') === saved && bytes.byteLength > checksumBytes;
  if (!whole || !checksumOf(state).equals(bytes.subarray(-checksumBytes))) {
    throw new InvalidDigestStateError('the state is damaged');
  }
  return state;
}

function checksumOf(state: Uint8Array): Buffer {
  return createHash('sha256').update(state).digest().subarray(0, checksumBytes);
}
