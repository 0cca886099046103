import type { Readable } from 'node:stream';
import { type OperationContext, RegistryError } from '../errors.ts';
import { brokenError } from '../failures.ts';
import { RelayStream } from '../transport/relay-stream.ts';

/** How a blob's body is read. */
export interface BlobStreamOptions {
  /** How many bytes the body must hold. */
  size: number;
  /** How many bytes at the beginning to skip. */
  skip: number;
  /** The context of errors. */
  context: OperationContext;
  signal?: AbortSignal | undefined;
}

/**
 * The bytes of a blob as they arrive, exactly as many as announced: more are refused as soon as
 * they arrive, fewer at the end. Can be read once. Ending early (`break`, `destroy`) closes the
 * connection.
 */
export class BlobStream extends RelayStream {
  readonly #size: number;
  readonly #context: OperationContext;
  readonly #signal: AbortSignal | undefined;
  #skip: number;
  #received = 0;

  constructor(body: Readable, { size, skip, context, signal }: BlobStreamOptions) {
    super();
    this.#size = size;
    this.#skip = skip;
    this.#context = context;
    this.#signal = signal;
    this.follow(body);
  }

  protected override onChunk(chunk: Uint8Array): void {
    this.#received += chunk.byteLength;
    if (this.#received > this.#size) {
      this.destroy(this.#sizeError(`has at least ${this.#received} bytes`));
      return;
    }
    const skipped = Math.min(this.#skip, chunk.byteLength);
    this.#skip -= skipped;
    if (skipped < chunk.byteLength) this.pass(skipped === 0 ? chunk : chunk.subarray(skipped));
  }

  protected override onEnd(): void {
    // A body without framing that was cut off looks like one that is too short, so the error is
    // temporary.
    if (this.#received < this.#size)
      this.destroy(this.#sizeError(`ended after ${this.#received} bytes`, { temporary: true }));
    else this.push(null);
  }

  protected override onFailure(cause: Error): void {
    if (this.#signal?.aborted) {
      this.destroy(this.#signal.reason);
      return;
    }
    const doing = `the blob broke off after ${this.#received} of ${this.#size} bytes`;
    this.destroy(brokenError(this.#context, cause, doing));
  }

  #sizeError(what: string, { temporary = false } = {}): RegistryError {
    const reason = `the blob ${what}, but its size is ${this.#size}`;
    return new RegistryError(this.#context, { code: 'SIZE_INVALID', reason, temporary });
  }
}
