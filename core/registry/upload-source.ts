import { type OperationContext, RegistryError } from './errors.ts';

/**
 * The body of an upload on its way: counts, holds the sender to the announced size (a server that got fewer bytes would wait, and
 * take the next request for them), and remembers the body's own failure, so that it can be told from the connection's.
 */
export class UploadSource implements AsyncIterableIterator<Uint8Array> {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #size: number;
  readonly #context: OperationContext;
  #chunks: AsyncIterator<Uint8Array> | undefined;
  #sent = 0;
  #failure: { error: unknown } | undefined;

  constructor(body: AsyncIterable<Uint8Array>, size: number, context: OperationContext) {
    this.#body = body;
    this.#size = size;
    this.#context = context;
  }

  /** How many bytes were handed to the connection. */
  get sent(): number {
    return this.#sent;
  }

  /** What the body itself threw; undefined while it is well. */
  get failure(): { error: unknown } | undefined {
    return this.#failure;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      this.#chunks ??= this.#body[Symbol.asyncIterator]();
      const { done, value } = await this.#chunks.next();
      if (done) {
        if (this.#sent < this.#size) throw this.#sizeError(`ended after ${this.#sent} bytes`);
        return { done: true, value: undefined };
      }
      if (this.#sent + value.byteLength > this.#size) {
        throw this.#sizeError(`has at least ${this.#sent + value.byteLength} bytes`);
      }
      this.#sent += value.byteLength;
      return { done: false, value };
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.release();
    return { done: true, value: undefined };
  }

  /** Ends the body, begun or not, so that what feeds it is freed. Never fails. */
  async release(): Promise<void> {
    try {
      const { destroy } = this.#body as { destroy?: unknown };
      if (typeof destroy === 'function') destroy.call(this.#body);
      this.#chunks ??= this.#body[Symbol.asyncIterator]();
      await this.#chunks.return?.();
    } catch {
      // It is being given up; the upload's own failure is what counts.
    }
  }

  #sizeError(what: string): RegistryError {
    const reason = `the body ${what}, and ${this.#size} were announced`;
    return new RegistryError(this.#context, { code: 'SIZE_INVALID', reason });
  }
}
