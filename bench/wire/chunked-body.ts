/** Finds the end of a body in chunks (RFC 9112 §7.1); bytes are looked at, never changed. */
export class ChunkedBody {
  /** Whether the last byte has been taken. */
  ended = false;
  #line = '';
  /** Bytes left of the current chunk and its line end. */
  #dataLeft = 0;
  #inTrailers = false;

  /** How many of these bytes belong to the body: all of them, unless it ends among them. */
  take(bytes: Buffer): number {
    let position = 0;
    while (position < bytes.length && !this.ended) {
      if (this.#dataLeft > 0) {
        const taken = Math.min(this.#dataLeft, bytes.length - position);
        this.#dataLeft -= taken;
        position += taken;
        continue;
      }
      const newline = bytes.indexOf(10, position);
      const end = newline < 0 ? bytes.length : newline + 1;
      this.#line += bytes.toString('latin1', position, end);
      position = end;
      if (newline >= 0) this.#endLine();
    }
    return position;
  }

  #endLine(): void {
    const line = this.#line.trim();
    this.#line = '';
    if (this.#inTrailers) {
      this.ended = line === '';
      return;
    }
    const size = Number.parseInt(line, 16);
    if (Number.isNaN(size)) throw new Error(`not the size of a chunk: ${JSON.stringify(line)}`);
    if (size === 0) this.#inTrailers = true;
    else this.#dataLeft = size + 2;
  }
}
