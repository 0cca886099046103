import { styleText } from 'node:util';
import { formatDuration } from '../shared/format.ts';
import { cellWidth } from '../terminal/cells.ts';
import { fittingDigests } from '../terminal/digests.ts';
import { createLiveLines } from '../terminal/live-lines.ts';
import type { BarStream } from '../terminal/progress-bar.ts';
import { type Cell, formatTable, type Paint, type Style } from '../terminal/table.ts';
import { folded, foldedLine, lineWidth } from '../terminal/wrap.ts';

/**
 * What the demo writes to: standard output, or something like it. `hasColors` follows NO_COLOR,
 * TERM and others.
 */
export type ScreenStream = BarStream;

/** One numbered step while it runs. */
export interface Step {
  /** Aligned rows under the title; `TableLayout` explains `align` and `leaveOut`. */
  rows(rows: readonly (readonly Cell[])[], align?: string, leaveOut?: readonly number[]): void;
  /**
   * Ends the title's line, for a step that shows something while it runs. Later output goes below
   * it.
   */
  live(): void;
}

/** Writes the demo's output. */
export interface Screen {
  paint: Paint;
  line(text?: string): void;
  /** A value as readable JSON; its digests are shortened if the terminal is too narrow for them. */
  json(value: object): void;
  /** Aligned rows, indented like those of steps. */
  rows: Step['rows'];
  /** Runs a step, and writes its title and duration. */
  step<T>(title: string, run: (step: Step) => Promise<T>): Promise<T>;
}

/** The column where durations end, unless the terminal is narrower. */
const maxWidth = 96;
/** The indent of everything but titles. */
export const indent = '    ';

/**
 * A screen on a stream. On a terminal: colours, lines that change, and nothing wider than the
 * terminal. Elsewhere: plain lines of any length.
 */
export function createScreen(stream: ScreenStream): Screen {
  const colours = stream.isTTY && stream.hasColors?.() === true;
  const paint: Paint = (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);
  const line = (text = '') => {
    for (const each of foldedLine(text, lineWidth(stream))) stream.write(`${each}\n`);
  };
  const rows: Screen['rows'] = (cells, align, leaveOut) => {
    const width = lineWidth(stream) - indent.length;
    for (const row of formatTable(cells, { align, leaveOut, paint, width }))
      stream.write(`${indent}${row}\n`);
  };
  let steps = 0;

  return {
    paint,
    line,
    json(value) {
      const width = lineWidth(stream);
      const lines = JSON.stringify(value, undefined, 2).split('\n');
      const shown = fittingDigests(
        width,
        (show) => lines.map((each) => indent + show(each)),
        (each) => Math.max(...each.map(cellWidth)),
      );
      for (const each of shown) line(each.replace(/"[^"]+"(?=:)/, (key) => paint('cyan', key)));
    },
    rows,
    async step(title, run) {
      steps += 1;
      const heading = createHeading(stream, { number: String(steps).padStart(2), title, paint });
      const waiting: (() => void)[] = [];
      const started = performance.now();
      try {
        const result = await run({
          rows: (...table) => {
            if (heading.ended()) rows(...table);
            else waiting.push(() => rows(...table));
          },
          live: () => heading.end(),
        });
        heading.end({ text: formatDuration(performance.now() - started), style: 'dim' });
        return result;
      } catch (error) {
        heading.end({ text: 'not finished', style: 'red' });
        throw error;
      } finally {
        for (const write of waiting) write();
        line();
      }
    },
  };
}

/**
 * The line with a step's number and title: written at once on a terminal, elsewhere when the step
 * has ended.
 */
function createHeading(stream: ScreenStream, heading: Heading) {
  const live = stream.isTTY ? createLiveLines(stream) : undefined;
  const render = (columns: number, ending?: Ending) =>
    headingLines(heading, Math.min(maxWidth, columns), ending);
  let ended = false;
  live?.draw(({ columns }) => render(columns));
  return {
    ended: () => ended,
    /** Ends the line, once, with something at its right end. */
    end(ending?: Ending) {
      if (ended) return;
      ended = true;
      if (live === undefined) {
        for (const each of render(Number.POSITIVE_INFINITY, ending)) stream.write(`${each}\n`);
        return;
      }
      live.draw(({ columns }) => render(columns, ending));
      live.keep();
    },
  };
}

/** A step's number and title. */
interface Heading {
  number: string;
  title: string;
  paint: Paint;
}

/** The text at the right end of a heading. */
interface Ending {
  text: string;
  style: Style;
}

/**
 * A title after its number, on as many lines as it needs, with its ending at the right of the last
 * one.
 */
function headingLines({ number, title, paint }: Heading, width: number, ending?: Ending): string[] {
  const gap = 2;
  const start = number.length + gap;
  const lines = folded(title, Math.max(1, width - start));
  const painted = lines.map(
    (text, at) => `${at === 0 ? paint('cyan', number) : ' '.repeat(number.length)}  ${paint('bold', text)}`,
  );
  if (ending === undefined) return painted;
  const room = width - start - cellWidth(lines.at(-1) ?? '') - ending.text.length;
  const last = room >= gap ? (painted.pop() ?? '') : '';
  const space = room >= gap ? room : Math.max(0, width - ending.text.length);
  return [...painted, `${last}${' '.repeat(space)}${paint(ending.style, ending.text)}`];
}
