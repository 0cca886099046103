import { type OperationContext, RegistryError } from '../errors.ts';
import { RelayStream, readableOf } from '../transport/relay-stream.ts';

/**
 * The body of an upload in progress. It counts the bytes and enforces the announced size: a server
 * that got fewer bytes would wait, and take the next request for the rest. It also remembers the
 * body's own failure, so that it can be distinguished from the connection's.
 */
export class UploadSource extends RelayStream {
  readonly #size: number;
  readonly #context: OperationContext;
  #sent = 0;
  #failure: { error: unknown } | undefined;

  constructor(body: AsyncIterable<Uint8Array>, size: number, context: OperationContext) {
    super();
    this.#size = size;
    this.#context = context;
    this.follow(readableOf(body));
  }

  /** How many bytes were handed to the connection. */
  get sent(): number {
    return this.#sent;
  }

  /** The body's own failure; undefined if there is none. */
  get failure(): { error: unknown } | undefined {
    return this.#failure;
  }

  protected override onChunk(chunk: Uint8Array): void {
    if (this.#sent + chunk.byteLength > this.#size) {
      this.onFailure(this.#sizeError(`has at least ${this.#sent + chunk.byteLength} bytes`));
      return;
    }
    this.#sent += chunk.byteLength;
    this.pass(chunk);
  }

  protected override onEnd(): void {
    if (this.#sent < this.#size) this.onFailure(this.#sizeError(`ended after ${this.#sent} bytes`));
    else this.push(null);
  }

  protected override onFailure(error: Error): void {
    this.#failure ??= { error };
    this.destroy(error);
  }

  #sizeError(what: string): RegistryError {
    const reason = `the body ${what}, but ${this.#size} were announced`;
    return new RegistryError(this.#context, { code: 'SIZE_INVALID', reason });
  }
}
