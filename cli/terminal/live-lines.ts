import type { WriteStream } from 'node:tty';
import { cellWidth, cutToCells } from './cells.ts';

/** A terminal, or something that looks like one. */
export type Terminal = Pick<WriteStream, 'write' | 'columns' | 'rows'> & {
  /** Emitted when the size changes. */
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
};

/** What there is room for. */
export interface Room {
  columns: number;
  lines: number;
}

/** Lines at the end of a terminal that are redrawn in place. */
export interface LiveLines {
  /** Replaces the last lines with what fits, and redraws when the terminal's size changes. */
  draw(render: (room: Room) => readonly string[]): void;
  /** Removes them; later output begins where they began. */
  clear(): void;
  /** Leaves them as they are; later output begins below them. */
  keep(): void;
}

/** For a terminal that does not report its size. */
const usual = { columns: 80, rows: 24 };

/**
 * How many columns and lines may be used: the last column makes some terminals wrap, and the last
 * line is the cursor's.
 */
export function drawable({ columns, rows }: Pick<Terminal, 'columns' | 'rows'>): Room {
  return {
    columns: Math.max(1, (columns || usual.columns) - 1),
    lines: Math.max(1, (rows || usual.rows) - 1),
  };
}

/** Live lines on a terminal. Whatever else is written there must come after `clear` or `keep`. */
export function createLiveLines(terminal: Terminal): LiveLines {
  let widths: number[] = [];
  let render: ((room: Room) => readonly string[]) | undefined;
  const show = (lines: readonly string[]) => {
    const columns = terminal.columns || usual.columns;
    // If the terminal became narrower since, it has wrapped the lines.
    const before = widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    // Each line is cleared separately: tmux keeps text in its history that is cleared from the top
    // of the screen.
    const left = Math.max(0, before - lines.length);
    const text = [...lines, ...Array<string>(left).fill('')].map((line) => `${line}\x1b[K\n`).join('');
    widths = lines.map(cellWidth);
    if (text !== '') terminal.write(`${up(before)}\r${text}${up(left)}`);
  };
  const redraw = () => {
    const room = drawable(terminal);
    const lines = render?.(room) ?? [];
    show(lines.slice(0, room.lines).map((line) => cutToCells(line, room.columns)));
  };
  const forget = () => {
    terminal.off?.('resize', redraw);
    render = undefined;
    widths = [];
  };
  return {
    draw(wanted) {
      if (render === undefined) terminal.on?.('resize', redraw);
      render = wanted;
      redraw();
    },
    clear() {
      show([]);
      forget();
    },
    keep: forget,
  };
}

function up(rows: number): string {
  return rows === 0 ? '' : `\x1b[${rows}A`;
}
