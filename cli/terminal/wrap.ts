import { cellWidth, splitCells } from './cells.ts';
import { drawable } from './live-lines.ts';

/** Wider lines are hard to read, however wide the terminal is. */
const widest = 120;

type Stream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>;

/** The width for prose on a stream: the terminal's; without a terminal, lines are not wrapped. */
export function proseWidth({ isTTY, columns }: Stream): number {
  return isTTY && columns > 0 ? Math.min(columns, widest) : Number.POSITIVE_INFINITY;
}

/**
 * The width for lines in columns on a stream: the terminal's; without a terminal, there is no
 * limit.
 */
export function lineWidth({ isTTY, columns }: Stream): number {
  return isTTY ? drawable({ columns, rows: 0 }).columns : Number.POSITIVE_INFINITY;
}

/**
 * A text wrapped at `width` where words allow it, aligned after `prefix`. Text in backticks is for
 * copying and stays on one line. A line that is too long for its indent starts further to the left,
 * if it fits there.
 */
export function wrapped(prefix: string, text: string, width: number): string[] {
  const indent = cellWidth(prefix);
  const lines = text.split('\n').flatMap((line) => broken(line, width - indent, width));
  return lines.map((line, at) => {
    const start = at === 0 ? prefix : ' '.repeat(startOf(line, indent, width));
    return `${start}${line}`.trimEnd();
  });
}

/**
 * Words in lines of at most `room` cells. A longer word that fits `width` gets a line of its own,
 * but not the first, which has a prefix.
 */
function broken(line: string, room: number, width: number): string[] {
  if (cellWidth(line) <= room) return [line];
  const lines: string[] = [''];
  for (const word of line.match(/(?:`[^`]*`|\S)+/g) ?? []) {
    const last = lines.at(-1) ?? '';
    const isFirst = last === '' && (cellWidth(word) <= room || cellWidth(word) > width);
    if (isFirst) lines[lines.length - 1] = word;
    else if (last !== '' && cellWidth(`${last} ${word}`) <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Where a line begins: below the others, or further to the left if it only fits there. */
function startOf(line: string, indent: number, width: number): number {
  const furthest = width - cellWidth(line);
  return furthest < 0 ? indent : Math.min(indent, furthest);
}

/** A text in lines of at most `width` cells, whatever it contains: longer words are broken, too. */
export function folded(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.match(/\S+/g) ?? ['']) {
    const last = lines.at(-1);
    if (last !== undefined && cellWidth(`${last} ${word}`) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(...(cellWidth(word) <= width ? [word] : splitCells(word, width)));
  }
  return lines;
}

/**
 * A line that is too long continues below, indented by `hanging` more cells; leading spaces stay.
 */
export function foldedLine(line: string, width: number, hanging = 2): string[] {
  if (cellWidth(line) <= width) return [line];
  const [start = ''] = /^ */.exec(line) ?? [];
  const indent = Math.min(start.length + hanging, Math.floor(width / 2));
  const [first = '', ...rest] = folded(line.trimStart(), Math.max(1, width - indent));
  return [
    `${' '.repeat(Math.min(start.length, indent))}${first}`,
    ...rest.map((each) => ' '.repeat(indent) + each),
  ];
}
