/** A place in a text, both counted from 1, as editors do. */
export interface Position {
  line: number;
  /** In UTF-16 code units. */
  column: number;
}

/** Finds the lines of offsets in one text. */
export class LineFinder {
  readonly #text: string;
  #starts: number[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where an offset is. A byte order mark is no column. */
  position(offset: number): Position {
    this.#starts ??= lineStarts(this.#text);
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const start = this.#starts[low] ?? 0;
    const mark = start === 0 && this.#text.startsWith('\uFEFF') ? 1 : 0;
    return { line: low + 1, column: Math.max(1, offset - start - mark + 1) };
  }
}

/** Where each line begins; `\n` ends lines, with or without `\r` before it. */
export function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
