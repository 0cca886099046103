import { cellWidth } from '../terminal/cells.ts';
import { cutEnd } from './columns.ts';
import { headLines } from './head.ts';
import { copyingLines, failedLines, waitingLines } from './job-lines.ts';
import type { Frame, Section } from './layout.ts';
import type { TopState } from './state.ts';
import { upstreamLines } from './upstream-lines.ts';

/** The screen as lines, none of which is too long and not too many. */
export function frame(state: TopState, size: Frame): string[] {
  const { columns, lines } = size;
  const head = headLines(state, size);
  const sections = [
    upstreamLines(state, size),
    copyingLines(state, size),
    waitingLines(state, size),
    failedLines(state, size),
  ].filter((section) => section.all > 0);
  const foot = size.paint('dim', cutEnd('q quits', columns));
  const room = lines - head.length - 1;
  const body = allot(sections, room).flatMap(({ title, lines: shown }) => [
    '',
    size.paint('bold', cutEnd(title, columns)),
    ...shown,
  ]);
  const filled = [...body, ...Array<string>(Math.max(0, room - body.length)).fill('')];
  return [...head, ...filled, foot].slice(0, lines).map((line) => fitting(line, columns));
}

/** Gives each section a share of the lines: one to each in turn, while there are any. */
function allot(sections: readonly Section[], room: number): Section[] {
  const shown = sections.slice(0, Math.floor(room / 3));
  const shares = shown.map(() => 0);
  let left = room - 2 * shown.length;
  while (left > 0 && shown.some(({ lines }, index) => (shares[index] ?? 0) < lines.length))
    shown.forEach(({ lines }, index) => {
      if (left > 0 && (shares[index] ?? 0) < lines.length) {
        shares[index] = (shares[index] ?? 0) + 1;
        left -= 1;
      }
    });
  return shown.map((section, index) => shared(section, shares[index] ?? 0));
}

function shared(section: Section, share: number): Section {
  const { title, lines, all } = section;
  const shown = lines.slice(0, share);
  return shown.length < all
    ? { ...section, title: `${title} (${shown.length} of ${all})`, lines: shown }
    : section;
}

/** The layout above makes lines that fit; a window of a few columns gets what there is room for. */
function fitting(line: string, columns: number): string {
  return cellWidth(line) <= columns ? line : cutEnd(line, columns);
}
