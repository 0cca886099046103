import { cellWidth } from './cells.ts';
import { fittingDigests } from './digests.ts';
import { folded } from './wrap.ts';

/** How a text may look on a terminal. */
export type Style = 'bold' | 'dim' | 'cyan' | 'green' | 'red';

/** A piece of a line; plain unless a style is given. */
export type Cell = string | { text: string; style: Style };

/** Gives a text its style, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** How a table is laid out. */
export interface TableLayout {
  /** One letter for each column: `l` or `r`; further columns are `l`. */
  align?: string | undefined;
  /** Absent: styles are left out. */
  paint?: Paint | undefined;
  /** The longest line allowed, in cells; absent: any length. */
  width?: number | undefined;
  /** Columns to leave out if there is no room for all, in this order. */
  leaveOut?: readonly number[] | undefined;
}

type Row = readonly Cell[];

interface Table {
  rows: readonly Row[];
  /** One letter for each column. */
  align: string[];
}

const gap = '  ';
/** The last column wraps below itself if there is this much room, otherwise below the second. */
const narrowestColumn = 24;

/**
 * Lines with aligned columns. Styles don't count as width. If the lines would be longer than the
 * layout allows, columns are left out, then digests are shortened, and finally the last column
 * wraps onto the lines below.
 */
export function formatTable(rows: readonly Row[], layout: TableLayout = {}): string[] {
  const { align = '', width = Number.POSITIVE_INFINITY, leaveOut = [] } = layout;
  const fitting = fittingDigests(
    width,
    (show) => withoutColumns({ rows: mapTexts(rows, show), align: [...align] }, { width, leaveOut }),
    ({ rows }) => widthOf(rows),
  );
  const widths = columnWidths(fitting.rows);
  return fitting.rows.flatMap((row) => rowLines(row, widths, { ...layout, align: fitting.align.join('') }));
}

/** A cell without its style. */
export function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function mapTexts(rows: readonly Row[], show: (text: string) => string): Row[] {
  const shown = (cell: Cell) => (typeof cell === 'string' ? show(cell) : { ...cell, text: show(cell.text) });
  return rows.map((row) => row.map(shown));
}

function withoutColumns(
  { rows, align }: Table,
  { width, leaveOut }: { width: number; leaveOut: readonly number[] },
): Table {
  const left = new Set<number>();
  const kept = <T>(cells: readonly T[]) => cells.filter((_, column) => !left.has(column));
  const keptRows = () => rows.map((row) => (row.length > 1 ? kept(row) : row));
  for (const column of leaveOut) {
    if (widthOf(keptRows()) <= width) break;
    left.add(column);
  }
  // Columns beyond the letters stay `l`.
  return { rows: keptRows(), align: kept(align) };
}

function columnWidths(rows: readonly Row[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      // A cell alone in its row belongs to no column.
      if (row.length > 1) widths[column] = Math.max(widths[column] ?? 0, cellWidth(textOf(cell)));
    });
  }
  return widths;
}

function widthOf(rows: readonly Row[]): number {
  const widths = columnWidths(rows);
  return Math.max(0, ...rows.map((row) => cellWidth(rowLines(row, widths, {})[0] ?? '')));
}

function rowLines(row: Row, widths: readonly number[], layout: TableLayout): string[] {
  const { align = '', paint = (_, text) => text, width = Number.POSITIVE_INFINITY } = layout;
  const painted = (cell: Cell, text: string) => (typeof cell === 'string' ? text : paint(cell.style, text));
  const lineOf = (cells: Row) =>
    cells
      .map((cell, column) => {
        const text = textOf(cell);
        if (text === '' && column === row.length - 1) return '';
        const padding = ' '.repeat(Math.max(0, (widths[column] ?? 0) - cellWidth(text)));
        if (align[column] === 'r') return padding + painted(cell, text);
        return column === row.length - 1 ? painted(cell, text) : painted(cell, text) + padding;
      })
      .join(gap)
      .trimEnd();
  const line = lineOf(row);
  const last = row.at(-1);
  if (last === undefined || cellWidth(line) <= width) return [line];

  const before = row.slice(0, -1);
  const start = before.reduce<number>((sum, _, column) => sum + (widths[column] ?? 0) + gap.length, 0);
  const first = lineOf(before);
  const isRoomy = width - start >= narrowestColumn;
  const second = before.length > 0 ? (widths[0] ?? 0) + gap.length : 0;
  const indent = isRoomy ? start : Math.min(second, Math.max(0, width - narrowestColumn));
  const pieces = folded(textOf(last), Math.max(1, width - indent)).map((piece) => painted(last, piece));
  const rest = pieces.map((piece) => ' '.repeat(indent) + piece);
  if (!isRoomy) return before.length > 0 ? [first, ...rest] : rest;
  return [`${first}${' '.repeat(Math.max(0, start - cellWidth(first)))}${pieces[0] ?? ''}`, ...rest.slice(1)];
}
