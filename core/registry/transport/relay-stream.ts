import { Readable } from 'node:stream';

/**
 * A stream of what another one brings, looked at chunk by chunk on the way. Chunks pass from event
 * to event: at gigabytes, a promise for each of them costs more than hashing it. Backpressure
 * passes the other way: while nobody takes the chunks, the source is paused.
 */
export abstract class RelayStream extends Readable {
  #source: Readable | undefined;
  /** Somebody waits for a chunk. */
  #wanted = false;

  constructor() {
    // Nothing is kept here: a chunk that is not taken at once pauses the source, which has a buffer
    // of its own.
    super({ highWaterMark: 0 });
    // A stream that is dropped while it fails would otherwise end the process.
    this.on('error', () => {});
  }

  /** Whether somebody waits for a chunk. */
  protected get isWanted(): boolean {
    return this.#wanted;
  }

  /** Goes on with this source; another one before it must have ended or failed. */
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
    // The listener for chunks set it flowing.
    if (!this.#wanted) source.pause();
  }

  /** Hands a chunk on, and pauses the source if nobody is ready for the next one. */
  protected pass(chunk: Uint8Array): void {
    this.#wanted = this.push(chunk);
    if (!this.#wanted) this.#source?.pause();
  }

  /** A chunk came: look at it and {@link pass} it. */
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
    // Also where it has ended: what was read to its end is not harmed by it.
    this.#source?.destroy();
    done(error);
  }
}

/**
 * A stream was closed before its end without an error of its own; has the code of a socket that
 * was.
 */
class ClosedEarlyError extends Error {
  override readonly name = 'ClosedEarlyError';
  readonly code = 'UND_ERR_SOCKET';
  constructor() {
    super('it was closed before its end');
  }
}

/** A body as a Readable of bytes; one that is a Readable stays itself. */
export function readableOf(body: AsyncIterable<Uint8Array>): Readable {
  return body instanceof Readable ? body : Readable.from(body, { objectMode: false, highWaterMark: 0 });
}
