import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { formatDuration } from '../format.ts';
import { type Cell, formatTable, type Paint, type Style } from './table.ts';

/** What the demo writes to: standard output, or something that looks like it. */
export type ScreenStream = Pick<WriteStream, 'write' | 'isTTY' | 'columns'> & {
  /** Of a terminal: whether it shows colours, which NO_COLOR, TERM and others decide. */
  hasColors?(): boolean;
};

/** One numbered step, while it goes on. */
export interface Step {
  /** Aligned rows under the title; `formatTable` explains `align`. */
  rows(rows: readonly (readonly Cell[])[], align?: string): void;
  /** Ends the title's line, for a step that shows something while it goes on. What comes after stands under it. */
  live(): void;
}

/** Writes the demo's output. */
export interface Screen {
  paint: Paint;
  line(text?: string): void;
  /** Aligned rows, as far to the right as those of steps. */
  rows(rows: readonly (readonly Cell[])[], align?: string): void;
  /** Runs a step and writes its title and how long it took. */
  step<T>(title: string, run: (step: Step) => Promise<T>): Promise<T>;
}

/** Where times end on the right, if the terminal is not narrower. */
const maxWidth = 96;
/** What stands before everything but titles. */
export const indent = '    ';

/** A screen on a stream: colours and lines that change on a terminal, and plain lines elsewhere. */
export function createScreen(stream: ScreenStream): Screen {
  const colours = stream.isTTY && stream.hasColors?.() === true;
  const paint: Paint = (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);
  const line = (text = '') => void stream.write(`${text}\n`);
  const rows: Screen['rows'] = (cells, align = '') => {
    for (const row of formatTable(cells, align, paint)) line(indent + row);
  };
  let steps = 0;

  return {
    paint,
    line,
    rows,
    async step(title, run) {
      steps += 1;
      const heading = createHeading(stream, paint, String(steps).padStart(2), title);
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

/** The line of a step's number and title: at once on a terminal, elsewhere when it is known how it ends. */
function createHeading(stream: ScreenStream, paint: Paint, number: string, title: string) {
  const width = Math.min(maxWidth, (stream.columns ?? Infinity) - 1);
  const text = `${paint('cyan', number)}  ${paint('bold', title)}`;
  let ended = false;
  if (stream.isTTY) stream.write(text);
  return {
    ended: () => ended,
    /** Ends the line, once; with something at its right end. */
    end(ending?: { text: string; style: Style }) {
      if (ended) return;
      ended = true;
      const taken = number.length + 2 + title.length + (ending?.text.length ?? 0);
      const right =
        ending === undefined ? '' : ' '.repeat(Math.max(2, width - taken)) + paint(ending.style, ending.text);
      stream.write(`${stream.isTTY ? '\r\x1b[2K' : ''}${text}${right}\n`);
    },
  };
}
