import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { formatBytes } from '../shared/format.ts';
import { cellWidth } from './cells.ts';
import { createLiveLines, type Terminal } from './live-lines.ts';

/** Shows progress. */
export interface ProgressBar {
  /** @param done bytes so far; may go back. */
  update(done: number): void;
  /** Draws the last state and leaves the line. */
  stop(): void;
}

export interface ProgressBarOptions {
  label: string;
  /** Bytes in all. */
  total: number;
  /** Cells of the bar at most. */
  width?: number;
}

/** What a bar is drawn on. */
export type BarStream = Terminal & Pick<WriteStream, 'isTTY'> & { hasColors?(): boolean };

const redrawMs = 80;
/** Without a terminal, a line is written at most this often. */
const lineMs = 2_000;
/** A narrower bar is useless. */
const narrowestBar = 5;

/**
 * A one-line bar on a terminal; elsewhere, occasional plain lines, so that a log stays readable.
 */
export function createProgressBar(stream: BarStream, options: ProgressBarOptions): ProgressBar {
  return stream.isTTY ? drawnBar(stream, options) : writtenLines(stream, options);
}

function drawnBar(stream: BarStream, options: ProgressBarOptions): ProgressBar {
  const started = Date.now();
  const live = createLiveLines(stream);
  let drawnAt = 0;
  let done = 0;
  const draw = () => {
    drawnAt = Date.now();
    const parts = partsOf(done, options.total, drawnAt - started);
    const colours = stream.hasColors?.() === true;
    live.draw(({ columns }) => [barLine(parts, { ...options, columns, colours })]);
  };
  return {
    update(now) {
      done = now;
      if (Date.now() - drawnAt >= redrawMs) draw();
    },
    stop() {
      draw();
      live.keep();
    },
  };
}

function writtenLines(stream: BarStream, { label, total }: ProgressBarOptions): ProgressBar {
  const started = Date.now();
  let writtenAt = started;
  let done = 0;
  let written = '';
  const write = ({ final = false } = {}) => {
    writtenAt = Date.now();
    const { percent, amount, rate } = partsOf(done, total, writtenAt - started);
    const line = `${label}: ${percent}  ${amount}${rate}`;
    if (line === written && !final) return;
    written = line;
    stream.write(`${line}\n`);
  };
  return {
    update(now) {
      done = now;
      if (Date.now() - writtenAt >= lineMs) write();
    },
    stop: () => write({ final: true }),
  };
}

interface Parts {
  fraction: number;
  percent: string;
  amount: string;
  /** With the space before it; empty while there is too little data. */
  rate: string;
}

function partsOf(done: number, total: number, elapsedMs: number): Parts {
  const fraction = total === 0 ? 1 : Math.min(1, Math.max(0, done / total));
  return {
    fraction,
    percent: `${Math.floor(fraction * 100)} %`,
    amount: `${formatBytes(done)} of ${formatBytes(total)}`,
    rate: elapsedMs > 500 ? `  ${formatBytes(Math.round((done / elapsedMs) * 1_000))}/s` : '',
  };
}

interface BarLineOptions extends Pick<ProgressBarOptions, 'label' | 'width'> {
  /** How wide the line may be. */
  columns: number;
  colours: boolean;
}

/**
 * As much of it as there is room for: the rate is left out first, then the amount. The bar takes
 * the rest.
 */
function barLine(
  { fraction, percent, amount, rate }: Parts,
  { label, width = 28, columns, colours }: BarLineOptions,
): string {
  const told = percent.padStart(5);
  const texts = [`${told}  ${amount}${rate}`, `${told}  ${amount}`, told];
  const roomFor = (text: string) => columns - cellWidth(label) - 2 - 1 - cellWidth(text);
  const text = texts.find((each) => roomFor(each) >= narrowestBar) ?? told;
  const cells = Math.min(width, roomFor(text));
  return cells < narrowestBar ? `${label} ${text}` : `${label}  ${drawBar(fraction, cells, colours)} ${text}`;
}

/** A bar of so many cells, filled to this fraction. */
export function drawBar(fraction: number, cells: number, colours: boolean): string {
  const full = Math.round(fraction * cells);
  const [done, left] = ['█'.repeat(full), '░'.repeat(cells - full)];
  if (!colours) return done + left;
  const paint = (style: 'cyan' | 'dim', text: string) => styleText(style, text, { validateStream: false });
  return paint('cyan', done) + paint('dim', left);
}
