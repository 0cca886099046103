import { Writable } from 'node:stream';

const defaultMaxBytes = 64 * 1024;

/** Takes the pipeline's logs and keeps the end of them in case something fails. */
export class LogBuffer extends Writable {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** @param maxBytes older output is dropped */
  constructor(maxBytes: number = defaultMaxBytes) {
    super();
    this.#maxBytes = maxBytes;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    while (this.#chunks.length > 1 && this.#bytes > this.#maxBytes) {
      this.#bytes -= this.#chunks.shift()?.byteLength ?? 0;
    }
    done();
  }

  /** What was kept; empty if nothing was logged. */
  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
