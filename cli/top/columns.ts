import { cellWidth, cutToCells, splitCells } from '../terminal/cells.ts';
import { type Cell, type Paint, textOf } from '../terminal/table.ts';

/** How lines in columns are laid out. */
export interface Columns {
  width: number;
  paint: Paint;
  /** Columns to leave out where there is little room, in this order. */
  leaveOut?: readonly number[];
}

const gap = '  ';
/** The least width of the last column, unless its texts are shorter. */
const narrowest = 16;

/**
 * Lines in columns, of which each takes one line: the first column is cut at its beginning to half
 * the width at most, the last one at its end to what is left.
 */
export function inColumns(rows: readonly (readonly Cell[])[], layout: Columns): string[] {
  const { width, paint, leaveOut = [] } = layout;
  const left = new Set<number>();
  const kept = () => rows.map((row) => row.filter((_, column) => !left.has(column)));
  for (const column of leaveOut) {
    if (isRoomy(kept(), width)) break;
    left.add(column);
  }
  const shown = kept();
  const widths = widthsOf(shown, width);
  return shown.map((row) => {
    let room = width;
    const cells = row.map((cell, column) => {
      const most = Math.min(widths[column] ?? 0, Math.max(0, room));
      const text = column === 0 ? cutStart(textOf(cell), most) : cutEnd(textOf(cell), most);
      const padding = ' '.repeat(Math.max(0, most - cellWidth(text)));
      room -= most + gap.length;
      const painted = typeof cell === 'string' || text === '' ? text : paint(cell.style, text);
      return column === row.length - 1 ? painted : `${painted}${padding}`;
    });
    return cells.join(gap).trimEnd();
  });
}

function widthsOf(rows: readonly (readonly Cell[])[], width: number): number[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cellWidth(textOf(cell)));
    });
  const first = widths[0] ?? 0;
  const others = widths.slice(1).reduce((sum, each) => sum + gap.length + each, 0);
  widths[0] = Math.min(first, Math.max(width - others, Math.floor(width / 2)));
  return widths;
}

function isRoomy(rows: readonly (readonly Cell[])[], width: number): boolean {
  const widths = widthsOf(rows, width);
  const last = widths.pop() ?? 0;
  const before = widths.reduce((sum, each) => sum + each + gap.length, 0);
  return width - before >= Math.min(narrowest, last);
}

/** A text of at most so many cells, with an ellipsis where it was cut. */
export function cutEnd(text: string, cells: number): string {
  if (cellWidth(text) <= cells) return text;
  if (cells < 2) return cells < 1 ? '' : '…';
  return `${cutToCells(text, cells - 1)}…`;
}

/** The end of an image's name says more than its beginning: that has the tag. */
function cutStart(text: string, cells: number): string {
  if (cellWidth(text) <= cells) return text;
  const characters = splitCells(text, 1);
  let end = '';
  while (cellWidth(`…${characters.at(-1)}${end}`) <= cells) end = `${characters.pop()}${end}`;
  return cells < 1 ? '' : `…${end}`;
}
