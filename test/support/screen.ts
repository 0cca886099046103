/**
 * A terminal of a given size as its owner sees it: text, newlines, carriage returns, cursor up and "clear to the end of the line",
 * which is all that live lines may use; anything else throws. What scrolls off the top is kept, too.
 */
export class FakeScreen {
  readonly isTTY = true;
  columns: number;
  rows: number;
  /** Lines that scrolled away. */
  readonly history: string[] = [];
  #lines: string[] = [''];
  #row = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): boolean {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a terminal obeys
    for (const [piece] of text.matchAll(/\x1b\[\d*[A-Za-z]|[^\x1b]/gsu)) this.#obey(piece);
    return true;
  }

  /** What is on the screen, without empty lines at its end. */
  get shown(): string[] {
    const lines = this.#lines.map((line) => line.trimEnd());
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  #obey(piece: string): void {
    const up = piece.startsWith('\x1b[') && /^(\d+)A$/.exec(piece.slice(2));
    if (up) this.#row = Math.max(0, this.#row - Number(up[1]));
    else if (piece === '\x1b[K') this.#lines[this.#row] = this.#line().slice(0, this.#column);
    else if (piece === '\r') this.#column = 0;
    else if (piece === '\n') this.#down();
    else if (piece.length === 1) {
      if (this.#column >= this.columns) this.#down();
      const line = this.#line().padEnd(this.#column);
      this.#lines[this.#row] = line.slice(0, this.#column) + piece + line.slice(this.#column + 1);
      this.#column += 1;
    } else throw new Error(`this terminal does not know ${JSON.stringify(piece)}`);
  }

  #line(): string {
    return this.#lines[this.#row] ?? '';
  }

  #down(): void {
    this.#column = 0;
    this.#row += 1;
    this.#lines[this.#row] ??= '';
    if (this.#row < this.rows) return;
    this.history.push(this.#lines.shift() ?? '');
    this.#row -= 1;
  }
}
