import { Writable } from 'node:stream';

/** What functions and services have written, as far as it fits. */
export class ServiceLog extends Writable {
  readonly #lines: string[] = [];
  readonly #most: number;

  constructor(most = 200_000) {
    super();
    this.#most = most;
  }

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    if (this.#lines.length < this.#most) this.#lines.push(String(chunk).trimEnd());
    done();
  }

  get text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}
