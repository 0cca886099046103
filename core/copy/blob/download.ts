import { wait } from '../../async/wait.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { createDigester, type DigestVerifier, digestAlgorithm } from '../../oci/digest.ts';
import { RegistryError } from '../../registry/errors.ts';
import { isContinuationRefused } from '../../registry/operations/blobs.ts';
import { RelayStream, readableOf } from '../../registry/transport/relay-stream.ts';
import { CopyError } from '../errors.ts';
import { pauseBefore } from './attempts.ts';

export interface DownloadOptions {
  signal?: AbortSignal | undefined;
  /** Called with the size of each chunk as it passes. */
  onBytes?: ((bytes: number) => void) | undefined;
  /** Also receives the chunks, for callers that look into a small blob. */
  keep?: Uint8Array[] | undefined;
  /** The repository that is read, for messages. */
  from?: string | undefined;
  /** How often in a row the read is opened without progress. */
  attempts?: number | undefined;
  /** How to wait before a read is opened again, milliseconds; rejects when the signal ends. */
  pause?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
}

const defaultAttempts = 3;
/** A read that delivered this many bytes made progress: a later break counts as a new problem. */
const progressBytes = 1024 * 1024;

/**
 * A blob's bytes on their way to another registry: counted and hashed as they pass. When the
 * connection breaks, the read continues after the last byte, so that the upload does not notice.
 *
 * The last bytes are held back until size and digest are known to be right. A receiver that was
 * promised `Content-Length` bytes never gets all of them from a damaged blob, and so can't store
 * it.
 *
 * Fails with a CopyError SIZE_INVALID or DIGEST_INVALID, naming what was promised and what came, or
 * with the read's own error if another read would not help.
 */
export class Download extends RelayStream {
  readonly #read: (offset: number) => Promise<AsyncIterable<Uint8Array>>;
  readonly #blob: Descriptor;
  readonly #options: DownloadOptions;
  readonly #digester: DigestVerifier;
  #received = 0;
  /** Where the current read began. */
  #begunAt = 0;
  #failures = 0;
  #spoilt = false;
  #begun = Promise.withResolvers<void>();
  #lastMs = performance.now();
  #endedMs: number | undefined;
  #held: Uint8Array | undefined;

  /**
   * Opens the first read at once.
   *
   * @param read opens the blob at an offset
   */
  constructor(
    read: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
    blob: Descriptor,
    options: DownloadOptions = {},
  ) {
    super();
    this.#read = read;
    this.#blob = blob;
    this.#options = options;
    this.#digester = createDigester(digestAlgorithm(blob.digest));
    this.#open();
  }

  /**
   * Whether it failed in a way that a read from the beginning may fix: the continuation was
   * refused, or the bytes were put together from several reads and are not the blob.
   */
  get spoiltByContinuing(): boolean {
    return this.#spoilt;
  }

  /**
   * Reads, and resolves as soon as a byte has arrived or none will come. Until then, an upload has
   * no use for a connection.
   */
  begin(): Promise<void> {
    this.read(0);
    return this.#begun.promise;
  }

  /**
   * How long no byte has arrived (up to the end, if it has ended) while a reader waits for the next
   * one, in milliseconds; 0 if no reader waits.
   */
  get silentMs(): number {
    return this.isWanted ? (this.#endedMs ?? performance.now()) - this.#lastMs : 0;
  }

  protected override onChunk(chunk: Uint8Array): void {
    this.#lastMs = performance.now();
    this.#begun.resolve();
    const { size } = this.#blob;
    this.#received += chunk.byteLength;
    if (this.#received > size) {
      this.#refuse('SIZE_INVALID', `it has more than the ${size} bytes in its descriptor`);
      return;
    }
    this.#digester.update(chunk);
    // A copy, since the chunk may be a part of a buffer that is used again. (`slice` of a Buffer
    // copies nothing.)
    this.#options.keep?.push(Uint8Array.from(chunk));
    this.#options.onBytes?.(chunk.byteLength);
    if (this.#received === size) this.#held = chunk;
    else this.pass(chunk);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#endedMs = performance.now();
    this.#begun.resolve();
    super._destroy(error, done);
  }

  override _read(): void {
    if (!this.isWanted) this.#lastMs = performance.now();
    super._read();
  }

  protected override onEnd(): void {
    this.#begun.resolve();
    const { size, digest } = this.#blob;
    if (this.#received !== size) {
      this.#refuse('SIZE_INVALID', `${this.#received} bytes arrived, but its descriptor says ${size}`);
      return;
    }
    const actual = this.#digester.digest();
    if (actual !== digest) {
      this.#refuse('DIGEST_INVALID', `the received bytes have the digest ${actual}`);
      return;
    }
    if (this.#held) this.push(this.#held);
    this.push(null);
  }

  protected override onFailure(error: Error): void {
    void this.#continueAfter(error);
  }

  #refuse(code: 'SIZE_INVALID' | 'DIGEST_INVALID', reason: string): void {
    this.#spoilt = this.#begunAt > 0;
    const { from } = this.#options;
    const { digest } = this.#blob;
    const subject = from === undefined ? digest : `get blob ${from}@${digest}`;
    this.destroy(new CopyError(code, subject, reason));
  }

  #open(): void {
    this.#begunAt = this.#received;
    this.#read(this.#received).then(
      (body) => this.follow(readableOf(body)),
      (error) => this.onFailure(error),
    );
  }

  async #continueAfter(error: unknown): Promise<void> {
    const { signal, attempts = defaultAttempts, pause = wait } = this.#options;
    try {
      signal?.throwIfAborted();
      this.#failures = this.#received - this.#begunAt >= progressBytes ? 1 : this.#failures + 1;
      this.#spoilt = isContinuationRefused(error);
      const ms = this.#spoilt ? undefined : pauseBefore(this.#failures + 1, attempts, error);
      // Each request was answered, but not with the rest. A request for the whole blob may work.
      this.#spoilt ||= ms === undefined && this.#received > 0 && isAnswered(error);
      if (ms === undefined) throw error;
      await pause(ms, signal);
      if (!this.destroyed) this.#open();
    } catch (reason) {
      this.destroy(reason as Error);
    }
  }
}

function isAnswered(error: unknown): boolean {
  return error instanceof RegistryError && error.retry.kind === 'backoff' && error.status !== undefined;
}
