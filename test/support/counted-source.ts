/** A blob's bytes, opened from an offset, with a count of what was read. */
export class CountedSource {
  readonly bytes: Uint8Array;
  /** The offset of each opening. */
  readonly opened: number[] = [];
  /** Bytes that were handed out. */
  read = 0;
  /** Called before each chunk with its place; throw to break the stream, wait to stall it. */
  before: (position: number) => void | Promise<void> = () => {};
  readonly #chunk: number;

  constructor(bytes: Uint8Array, chunk = 64 * 1024) {
    this.bytes = bytes;
    this.#chunk = chunk;
  }

  /** For `uploadInParts`. */
  readonly open = async (offset: number): Promise<AsyncIterable<Uint8Array>> => {
    this.opened.push(offset);
    return this.#from(offset);
  };

  async *#from(offset: number): AsyncGenerator<Uint8Array> {
    for (let start = offset; start < this.bytes.byteLength; start += this.#chunk) {
      await this.before(start);
      const chunk = this.bytes.subarray(start, start + this.#chunk);
      this.read += chunk.byteLength;
      yield chunk;
    }
    await this.before(this.bytes.byteLength);
  }
}
