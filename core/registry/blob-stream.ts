import type { AnswerBody } from './body.ts';
import { type OperationContext, RegistryError } from './errors.ts';
import { brokenError } from './failures.ts';

/**
 * The bytes of a blob as they come, exactly as many as announced: more is refused as soon as it shows, fewer at the end. Reads
 * once. Ending early (`break`, `return`) closes the connection, and so does `destroy` where reading never began.
 */
export class BlobStream implements AsyncIterableIterator<Uint8Array> {
  readonly #body: AnswerBody;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #size: number;
  readonly #context: OperationContext;
  readonly #signal: AbortSignal | undefined;
  #skip: number;
  #received = 0;
  #ended = false;

  /**
   * @param size of what the body must hold
   * @param skip how many bytes at the beginning are not wanted
   */
  constructor(body: AnswerBody, size: number, skip: number, context: OperationContext, signal?: AbortSignal) {
    this.#body = body;
    this.#chunks = body[Symbol.asyncIterator]();
    this.#size = size;
    this.#skip = skip;
    this.#context = context;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (!this.#ended) {
      const { done, value } = await this.#read();
      if (done) {
        this.#ended = true;
        // Nothing tells a body without framing that was cut from one that is short, so it may pass.
        if (this.#received < this.#size) throw this.#sizeError(`ended after ${this.#received} bytes`, true);
        break;
      }
      this.#received += value.byteLength;
      if (this.#received > this.#size) {
        this.destroy();
        throw this.#sizeError(`has at least ${this.#received} bytes`, false);
      }
      if (this.#skip === 0) return { done: false, value };
      const skipped = Math.min(this.#skip, value.byteLength);
      this.#skip -= skipped;
      if (skipped < value.byteLength) return { done: false, value: value.subarray(skipped) };
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.destroy();
    return { done: true, value: undefined };
  }

  /** Stops, and closes the connection unless the body has come to its end. */
  destroy(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#body.destroy();
  }

  async #read(): Promise<IteratorResult<Uint8Array, unknown>> {
    try {
      return await this.#chunks.next();
    } catch (cause) {
      this.destroy();
      this.#signal?.throwIfAborted();
      throw brokenError(
        this.#context,
        cause,
        `the blob broke off after ${this.#received} of ${this.#size} bytes`,
      );
    }
  }

  #sizeError(what: string, temporary: boolean): RegistryError {
    const reason = `the blob ${what}, and its size is ${this.#size}`;
    return new RegistryError(this.#context, { code: 'SIZE_INVALID', reason, temporary });
  }
}
