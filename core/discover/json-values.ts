/** A value of a JSON input, and where it begins there, in bytes. */
export interface JsonItem {
  value: unknown;
  /** As it was written. */
  text: string;
  at: number;
}

/** An input is not JSON, or ends early. The message says where. */
export class JsonInputError extends Error {
  override readonly name = 'JsonInputError';
}

const [quote, backslash] = [0x22, 0x5c];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Reads JSON values one after another, lists item by item: what is in `items` of an object (as
 * kubectl prints lists), or in an array. So a list of any size takes only the memory of its largest
 * item. Several values may follow each other, as when two outputs of kubectl are put together.
 *
 * @throws JsonInputError
 */
export async function* readJsonValues(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<JsonItem> {
  const reader = new JsonReader();
  for await (const chunk of chunks) yield* reader.push(chunk);
  reader.end();
}

class JsonReader {
  /** Bytes before the current chunk. */
  #before = 0;
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  /** The last text directly within the outermost object: a key, if a colon follows. */
  #key = '';
  #keyStart = -1;
  /** The depth of the list whose items are read; 0 outside of it. */
  #list = 0;
  #hadList = false;
  /** The earlier pieces of the value that is being read. */
  #pieces: Uint8Array[] = [];
  /** Where that value goes on in this chunk; -1 if none is being read. */
  #from = -1;
  #start = 0;

  *push(chunk: Uint8Array): Generator<JsonItem> {
    if (this.#from >= 0) this.#from = 0;
    if (this.#keyStart >= 0) this.#keyStart = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (this.#inString) this.#text(chunk, i, byte);
      else if (byte === quote) {
        this.#expectValue(i);
        this.#inString = true;
        if (this.#depth === 1 && this.#list === 0) {
          this.#key = '';
          this.#keyStart = i + 1;
        }
      } else if (byte === openBrace || byte === openBracket) this.#open(i, byte);
      else if (byte === closeBrace || byte === closeBracket) {
        const item = this.#close(chunk, i);
        if (item) yield item;
      } else if (this.#depth === 0 && byte > 0x20) this.#between(i, byte);
    }
    if (this.#from >= 0) this.#pieces.push(chunk.subarray(this.#from));
    if (this.#keyStart >= 0)
      this.#key += Buffer.from(chunk.subarray(this.#keyStart, this.#keyStart + 8)).toString('latin1');
    this.#before += chunk.length;
  }

  end(): void {
    if (this.#depth > 0)
      throw new JsonInputError(
        `the JSON ends after ${this.#before} bytes in the middle of a value; whatever wrote it was interrupted`,
      );
  }

  #text(chunk: Uint8Array, i: number, byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === backslash) this.#isEscaped = true;
    else if (byte === quote) {
      this.#inString = false;
      if (this.#keyStart < 0) return;
      this.#key += Buffer.from(chunk.subarray(this.#keyStart, Math.min(i, this.#keyStart + 8))).toString(
        'latin1',
      );
      this.#keyStart = -1;
    }
  }

  #open(i: number, byte: number): void {
    const depth = this.#depth++;
    const isArray = byte === openBracket;
    if (depth === 0 && isArray) this.#beginList(1);
    else if (depth === 0) this.#begin(i);
    else if (depth === 1 && isArray && this.#list === 0 && this.#key === 'items') {
      // What stands around the items is not needed.
      this.#pieces = [];
      this.#from = -1;
      this.#beginList(2);
    } else if (depth === this.#list && byte === openBrace && this.#list > 0) this.#begin(i);
  }

  #close(chunk: Uint8Array, i: number): JsonItem | undefined {
    if (this.#depth === 0) this.#between(i, chunk[i] as number);
    this.#depth--;
    if (this.#list > 0 && this.#depth === this.#list - 1) {
      this.#list = 0;
      return undefined;
    }
    const ends = this.#list > 0 ? this.#depth === this.#list : this.#depth === 0 && !this.#hadList;
    if (this.#depth === 0) this.#hadList = false;
    return ends && this.#from >= 0 ? this.#take(chunk, i + 1) : undefined;
  }

  #beginList(depth: number): void {
    this.#list = depth;
    this.#hadList = depth === 2;
  }

  #begin(i: number): void {
    this.#pieces = [];
    this.#from = i;
    this.#start = this.#before + i;
  }

  #take(chunk: Uint8Array, end: number): JsonItem {
    const bytes = [...this.#pieces, chunk.subarray(this.#from, end)];
    this.#pieces = [];
    this.#from = -1;
    return parse(bytes.length === 1 ? (bytes[0] as Uint8Array) : Buffer.concat(bytes), this.#start);
  }

  #expectValue(i: number): void {
    if (this.#depth === 0) this.#between(i, quote);
  }

  /** Between values there may be a byte order mark, or the separators of a YAML stream. */
  #between(i: number, byte: number): void {
    const at = this.#before + i;
    if ((at < 3 && byte > 0x7f) || byte === 0x2d) return;
    throw new JsonInputError(
      `at byte ${at} there is ${JSON.stringify(String.fromCharCode(byte))} where a JSON object should begin`,
    );
  }
}

function parse(bytes: Uint8Array, at: number): JsonItem {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { value: JSON.parse(text), text, at };
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new JsonInputError(
        `the JSON object that begins at byte ${at} is damaged: ${error.message.slice(0, 200)}`,
      );
    if (error instanceof TypeError)
      throw new JsonInputError(`the JSON object that begins at byte ${at} is not UTF-8`);
    throw error;
  }
}
