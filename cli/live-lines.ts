import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';

/** A terminal, or something that looks like one. */
export type Terminal = Pick<WriteStream, 'write' | 'columns' | 'rows'>;

/** Lines at the end of a terminal that are drawn again in place. */
export interface LiveLines {
  /** Draws them instead of the last ones. No more than `drawable` tells. */
  draw(lines: readonly string[]): void;
  /** Takes them away; what is written next begins where they began. */
  clear(): void;
}

/** A terminal that does not say its size. */
const usual = { columns: 80, rows: 24 };

/** How many columns and lines may be drawn on: the last column makes some terminals wrap, the last line is the cursor's. */
export function drawable({ columns, rows }: Pick<Terminal, 'columns' | 'rows'>): {
  columns: number;
  lines: number;
} {
  return {
    columns: Math.max(1, (columns || usual.columns) - 1),
    lines: Math.max(1, (rows || usual.rows) - 1),
  };
}

/** Live lines on a terminal. Whatever else is written there must come after `clear`. */
export function createLiveLines(terminal: Terminal): LiveLines {
  let widths: number[] = [];
  const show = (lines: readonly string[]) => {
    const columns = terminal.columns || usual.columns;
    // A terminal that became narrower since has wrapped the lines.
    const before = widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    // Each line is cleared by itself: tmux keeps in its history what is cleared from the top of the screen on.
    const left = Math.max(0, before - lines.length);
    const text = [...lines, ...Array<string>(left).fill('')].map((line) => `${line}\x1b[K\n`).join('');
    widths = lines.map((line) => stripVTControlCharacters(line).length);
    if (text !== '') terminal.write(`${up(before)}\r${text}${up(left)}`);
  };
  return {
    draw(lines) {
      const { columns } = drawable(terminal);
      show(lines.map((line) => cut(line, columns)));
    },
    clear: () => show([]),
  };
}

function up(rows: number): string {
  return rows === 0 ? '' : `\x1b[${rows}A`;
}

/** A line that is too long loses its colours, too: they may be what is cut. */
function cut(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : plain.slice(0, columns);
}
