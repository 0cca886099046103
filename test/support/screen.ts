import { EventEmitter } from 'node:events';

/** What takes two cells, as far as tests use it. */
const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}]/u;

/** The cells of a row; the second of a wide character is empty. */
type Row = string[];

/**
 * A terminal of a given size as its user sees it. It knows text, newlines, carriage returns, cursor
 * up and home, "clear to the end" of the line and of the screen, the alternate buffer, the cursor's
 * visibility and colours, which is all that our commands may use; anything else throws. What
 * scrolls off the top is kept, too.
 */
export class FakeScreen extends EventEmitter {
  readonly isTTY = true;
  columns: number;
  rows: number;
  /** Beginnings of lines that were longer than the screen was wide when they were written. */
  readonly wrapped: string[] = [];
  readonly #history: Row[] = [];
  #rows: Row[] = [[]];
  #row = 0;
  #column = 0;
  /** The beginning of a control sequence whose end has not arrived yet. */
  #rest = '';
  /** What the alternate buffer hides, while it is shown. */
  #hidden: { rows: Row[]; row: number; column: number } | undefined;
  isCursorShown = true;

  constructor(columns: number, rows: number) {
    super();
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): boolean {
    const all = this.#rest + text;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a terminal obeys
    const ended = all.replace(/\x1b(\[\??[\d;]*)?$/, '');
    this.#rest = all.slice(ended.length);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a terminal obeys
    for (const [piece] of ended.matchAll(/\x1b\[\??[\d;]*[A-Za-z]|[^\x1b]|\x1b/gsu)) this.#obey(piece);
    return true;
  }

  /**
   * Changes the size, as when its window is made smaller: lines that are now too long continue in
   * the next row, but in the alternate buffer they are cut.
   */
  resize(columns: number): void {
    if (this.isAlternate) {
      this.columns = columns;
      this.#rows = this.#rows.map((row) => row.slice(0, columns));
      this.emit('resize');
      return;
    }
    const below = this.#rows.length - this.#row;
    const before = this.#rows;
    this.columns = columns;
    this.#rows = before.flatMap((row) => {
      const rows: Row[] = [];
      for (let at = 0; at === 0 || at < row.length; at += columns) rows.push(row.slice(at, at + columns));
      return rows;
    });
    this.#row = this.#rows.length - below;
    while (this.#rows.length > this.rows) this.#scroll();
    this.emit('resize');
  }

  /** What is on the screen, without empty lines at its end. */
  get shown(): string[] {
    const lines = this.#rows.map(textOf);
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  /** Lines that scrolled away. */
  get history(): string[] {
    return this.#history.map(textOf);
  }

  /** Whether the alternate buffer is shown. */
  get isAlternate(): boolean {
    return this.#hidden !== undefined;
  }

  #obey(piece: string): void {
    const up = piece.startsWith('\x1b[') && /^(\d+)A$/.exec(piece.slice(2));
    if (up) this.#row = Math.max(0, this.#row - Number(up[1]));
    else if (piece === '\x1b[K') this.#line().splice(this.#column);
    else if (piece === '\x1b[H') [this.#row, this.#column] = [0, 0];
    else if (piece === '\x1b[J') this.#clearBelow();
    else if (piece === '\x1b[?25h' || piece === '\x1b[?25l') this.isCursorShown = piece.endsWith('h');
    else if (piece === '\x1b[?1049h') this.#hide();
    else if (piece === '\x1b[?1049l') this.#showAgain();
    else if (piece.startsWith('\x1b[') && piece.endsWith('m')) return;
    else if (piece === '\r') this.#column = 0;
    else if (piece === '\n') this.#down();
    else if (piece >= ' ') this.#print(piece);
    else throw new Error(`this terminal does not know ${JSON.stringify(piece)}`);
  }

  #clearBelow(): void {
    this.#line().splice(this.#column);
    this.#rows.splice(this.#row + 1);
  }

  #hide(): void {
    this.#hidden ??= { rows: this.#rows, row: this.#row, column: this.#column };
    this.#rows = [[]];
    [this.#row, this.#column] = [0, 0];
  }

  #showAgain(): void {
    if (this.#hidden === undefined) return;
    const { rows, row, column } = this.#hidden;
    [this.#rows, this.#row, this.#column, this.#hidden] = [rows, row, column, undefined];
  }

  #print(character: string): void {
    // A mark on the character before.
    if (/\p{Mn}/u.test(character)) {
      this.#line()[this.#column - 1] += character;
      return;
    }
    const width = wide.test(character) ? 2 : 1;
    if (this.#column + width > this.columns) {
      this.wrapped.push(textOf(this.#line()));
      this.#down();
    }
    const row = this.#line();
    while (row.length < this.#column) row.push(' ');
    row.splice(this.#column, width, character, ...(width === 2 ? [''] : []));
    this.#column += width;
  }

  #line(): Row {
    const row = this.#rows[this.#row];
    if (row === undefined) throw new Error('the cursor is nowhere');
    return row;
  }

  #down(): void {
    this.#column = 0;
    this.#row += 1;
    this.#rows[this.#row] ??= [];
    if (this.#rows.length > this.rows) this.#scroll();
  }

  #scroll(): void {
    const first = this.#rows.shift();
    if (first) this.#history.push(first);
    this.#row -= 1;
  }
}

function textOf(row: Row): string {
  return row.join('').trimEnd();
}
