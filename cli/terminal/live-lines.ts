import type { WriteStream } from 'node:tty';
import { cellWidth, cutToCells } from './cells.ts';

/** A terminal, or something that looks like one. */
export type Terminal = Pick<WriteStream, 'write' | 'columns' | 'rows'> & {
  /** Reports a change of size. */
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
};

/** What there is room for. */
export interface Room {
  columns: number;
  lines: number;
}

/** Lines at the end of a terminal that are drawn again in place. */
export interface LiveLines {
  /** Draws what fits in place of the last lines, and again when the terminal's size changes. */
  draw(render: (room: Room) => readonly string[]): void;
  /** Takes them away; what is written next begins where they began. */
  clear(): void;
  /** Leaves them as they are; what is written next begins below them. */
  keep(): void;
}

/** A terminal that does not say its size. */
const usual = { columns: 80, rows: 24 };

/**
 * How many columns and lines may be drawn on: the last column makes some terminals wrap, the last
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
    // A terminal that became narrower since has wrapped the lines.
    const before = widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    // Each line is cleared by itself: tmux keeps in its history what is cleared from the top of the
    // screen on.
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
