import { Readable } from 'node:stream';

/**
 * A stream that relays another one and inspects its chunks on the way. Chunks pass from event to
 * event: at gigabytes, a promise for each of them costs more than hashing it. Backpressure passes
 * the other way: while the chunks are not consumed, the source is paused.
 */
export abstract class RelayStream extends Readable {
  #source: Readable | undefined;
  /** A reader is waiting for a chunk. */
  #wanted = false;

  constructor() {
    // Nothing is buffered here: a chunk that is not consumed at once pauses the source, which has
    // its own buffer.
    super({ highWaterMark: 0 });
    // Otherwise, a dropped stream that fails would end the process.
    this.on('error', () => {});
  }

  /** Whether a reader is waiting for a chunk. */
  protected get isWanted(): boolean {
    return this.#wanted;
  }

  /** Continues with this source; an earlier one must have ended or failed. */
  protected follow(source: Readable): void {
    if (this.destroyed) {
      source.on('error', () => {});
      source.destroy();
      return;
    }
    this.#source = source;
    let ended = false;
    const isCurrent = () => this.#source === source && !this.destroyed;
    source.on('data', (chunk: Uint8Array) => {
      if (isCurrent() && chunk.byteLength > 0) this.onChunk(chunk);
    });
    source.on('end', () => {
      ended = true;
      if (isCurrent()) this.onEnd();
    });
    source.on('error', (error) => {
      ended = true;
      if (isCurrent()) this.onFailure(error);
    });
    source.on('close', () => {
      if (!ended && isCurrent()) this.onFailure(new ClosedEarlyError());
    });
    // The listener for chunks has set it flowing.
    if (!this.#wanted) source.pause();
  }

  /** Passes a chunk on, and pauses the source if the reader is not ready for the next one. */
  protected pass(chunk: Uint8Array): void {
    this.#wanted = this.push(chunk);
    if (!this.#wanted) this.#source?.pause();
  }

  /** A chunk arrived: inspect it and {@link pass} it. */
  protected abstract onChunk(chunk: Uint8Array): void;
  /** The source ended: push null, or destroy. */
  protected abstract onEnd(): void;
  /** The source failed: destroy, or follow another one. */
  protected abstract onFailure(error: Error): void;

  override _read(): void {
    this.#wanted = true;
    this.#source?.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // Even if it has ended: that does no harm to a source that was read to its end.
    this.#source?.destroy();
    done(error);
  }
}

/**
 * A stream was closed before its end without an error of its own; it has the code of a socket that
 * was closed early.
 */
class ClosedEarlyError extends Error {
  override readonly name = 'ClosedEarlyError';
  readonly code = 'UND_ERR_SOCKET';
  constructor() {
    super('it was closed before its end');
  }
}

/** A body as a Readable of bytes; a Readable is returned as it is. */
export function readableOf(body: AsyncIterable<Uint8Array>): Readable {
  return body instanceof Readable ? body : Readable.from(body, { objectMode: false, highWaterMark: 0 });
}
