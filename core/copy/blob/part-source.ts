import { orAborted } from '../../async/or-aborted.ts';
import { wait } from '../../async/wait.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { ResumableDigest } from '../../oci/resumable-digest.ts';
import { isContinuationRefused } from '../../registry/operations/blobs.ts';
import { CopyError } from '../errors.ts';
import { pauseBefore } from './attempts.ts';

/** Some bytes of a blob, read and hashed. */
export interface Part {
  /** Where it begins in the blob, bytes. */
  offset: number;
  /** Valid until the part after the next one is requested. */
  bytes: Uint8Array;
  /** State of the digest over everything up to its end. */
  hashState: string;
}

/** Where to begin: the bytes before `offset` are already in `digest`. */
export interface PartSourceStart {
  offset: number;
  digest: ResumableDigest;
}

/** How often the source is opened before a part is full. */
const attempts = 5;

/**
 * Reads a blob in parts, alternating between two buffers: one can be filled while the other is
 * being sent.
 *
 * A stream that breaks with a temporary failure is opened again where it broke. The last part is
 * handed out only once size and digest of the whole blob are known to be right, so that a receiver
 * can't complete a damaged one.
 */
export class PartSource {
  readonly #blob: Descriptor;
  readonly #read: (offset: number) => Promise<AsyncIterable<Uint8Array>>;
  readonly #digest: ResumableDigest;
  readonly #signal: AbortSignal;
  readonly #buffers: Buffer[] = [];
  /** Bytes that have arrived so far, and are in the digest. */
  #position: number;
  #stream: { body: AsyncIterable<Uint8Array>; chunks: AsyncIterator<Uint8Array> } | undefined;
  /** The rest of a chunk that reached beyond its part. */
  #rest: Uint8Array | undefined;
  #failures = 0;
  /** Bytes at the beginning of the stream that are in the digest already. */
  #skip = 0;
  /**
   * Whether the bytes in the digest came from more than one read: they can be wrong together even
   * though each read was right.
   */
  #isJoined: boolean;

  /**
   * @param signal ends the source, even a read that is stuck. It must abort before {@link close}
   *   when the source is given up.
   */
  constructor(
    blob: Descriptor,
    read: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
    start: PartSourceStart,
    signal: AbortSignal,
  ) {
    this.#blob = blob;
    this.#read = read;
    this.#digest = start.digest;
    this.#position = start.offset;
    this.#isJoined = start.offset > 0;
    this.#signal = signal;
  }

  /** Where the next part begins. */
  get position(): number {
    return this.#position;
  }

  /**
   * The next part, of exactly `size` bytes unless it is the last; undefined at the end.
   *
   * @throws CopyError SIZE_INVALID or DIGEST_INVALID, what the source throws, or the signal's
   *   reason.
   */
  next(size: number): Promise<Part | undefined> {
    return orAborted(this.#fill(size), this.#signal);
  }

  /** Ends the stream, best effort. */
  close(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#rest = undefined;
    if (!stream) return;
    const { destroy } = stream.body as { destroy?: unknown };
    if (typeof destroy === 'function') destroy.call(stream.body);
    // Not awaited: a generator that is stuck in its source ends when the source does.
    stream.chunks.return?.().catch(() => {});
  }

  async #fill(size: number): Promise<Part | undefined> {
    const offset = this.#position;
    const left = this.#blob.size - offset;
    if (left === 0) return undefined;
    const bytes = this.#buffer(Math.min(size, left));
    for (let filled = 0; filled < bytes.byteLength; ) {
      const chunk = await this.#chunk();
      if (chunk === undefined) {
        const reason = `${this.#position} bytes arrived, but its descriptor says ${this.#blob.size}`;
        throw this.#wrong('SIZE_INVALID', reason);
      }
      const taken = chunk.subarray(0, bytes.byteLength - filled);
      if (taken.byteLength < chunk.byteLength) this.#rest = chunk.subarray(taken.byteLength);
      bytes.set(taken, filled);
      this.#digest.update(taken);
      filled += taken.byteLength;
      this.#position += taken.byteLength;
    }
    this.#failures = 0;
    const part = { offset, bytes, hashState: this.#digest.save() };
    if (this.#position === this.#blob.size) await this.#expectEnd();
    return part;
  }

  async #expectEnd(): Promise<void> {
    const { digest, size } = this.#blob;
    if ((await this.#chunk()) !== undefined) {
      throw this.#wrong('SIZE_INVALID', `it has more than the ${size} bytes in its descriptor`);
    }
    const actual = this.#digest.digest();
    if (actual !== digest) {
      throw this.#wrong('DIGEST_INVALID', `the received bytes have the digest ${actual}`);
    }
  }

  #wrong(code: 'SIZE_INVALID' | 'DIGEST_INVALID', reason: string): CopyError {
    return new CopyError(code, this.#blob.digest, reason, this.#isJoined);
  }

  /** The next bytes from {@link position} on, never empty; undefined at the end of the stream. */
  async #chunk(): Promise<Uint8Array | undefined> {
    if (this.#rest) {
      const rest = this.#rest;
      this.#rest = undefined;
      return rest;
    }
    for (;;) {
      this.#signal.throwIfAborted();
      try {
        this.#stream ??= await this.#open();
        const { done, value } = await this.#stream.chunks.next();
        if (done) return undefined;
        const skipped = Math.min(this.#skip, value.byteLength);
        this.#skip -= skipped;
        if (value.byteLength > skipped) return value.subarray(skipped);
      } catch (error) {
        this.#signal.throwIfAborted();
        this.close();
        this.#failures += 1;
        const pause = pauseBefore(this.#failures + 1, attempts, error);
        if (pause === undefined) throw error;
        await wait(pause, this.#signal);
      }
    }
  }

  async #open() {
    const body = await this.#readOn();
    const stream = { body, chunks: body[Symbol.asyncIterator]() };
    if (!this.#signal.aborted) return stream;
    // It came too late for close().
    this.#stream = stream;
    this.close();
    throw this.#signal.reason;
  }

  /**
   * Opens the source at the position or, if it can't do that, at the beginning: the parts that were
   * sent are still valid.
   */
  async #readOn(): Promise<AsyncIterable<Uint8Array>> {
    this.#skip = 0;
    this.#isJoined ||= this.#position > 0;
    try {
      return await this.#read(this.#position);
    } catch (error) {
      if (!isContinuationRefused(error)) throw error;
      const body = await this.#read(0);
      this.#skip = this.#position;
      return body;
    }
  }

  #buffer(size: number): Buffer {
    const spare = this.#buffers.length < 2 ? undefined : this.#buffers.shift();
    const buffer = spare && spare.byteLength >= size ? spare : Buffer.allocUnsafeSlow(size);
    this.#buffers.push(buffer);
    return buffer.subarray(0, size);
  }
}
