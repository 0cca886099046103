import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { formatBytes } from './format.ts';

/** Shows how far something is. */
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
  /** Cells of the bar. */
  width?: number;
}

const redrawMs = 80;
/** Without a terminal a line is written at most this often. */
const lineMs = 2_000;

/**
 * A bar of one line on a terminal; plain lines now and then elsewhere, so that a log stays readable.
 */
export function createProgressBar(
  stream: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>,
  options: ProgressBarOptions,
): ProgressBar {
  const started = Date.now();
  let drawnAt = stream.isTTY ? 0 : started;
  let done = 0;
  let drawn = '';
  const draw = (final: boolean) => {
    drawnAt = Date.now();
    const line = describe(done, options, drawnAt - started, stream);
    if (line === drawn && !final) return;
    drawn = line;
    stream.write(stream.isTTY ? `\r\x1b[2K${line}${final ? '\n' : ''}` : `${line}\n`);
  };
  return {
    update(now) {
      done = now;
      if (Date.now() - drawnAt >= (stream.isTTY ? redrawMs : lineMs)) draw(false);
    },
    stop: () => draw(true),
  };
}

function describe(
  done: number,
  { label, total, width = 28 }: ProgressBarOptions,
  elapsedMs: number,
  stream: Pick<WriteStream, 'isTTY'>,
): string {
  const fraction = total === 0 ? 1 : Math.min(1, Math.max(0, done / total));
  const percent = `${Math.floor(fraction * 100)} %`.padStart(5);
  const rate = elapsedMs > 500 ? `  ${formatBytes(Math.round((done / elapsedMs) * 1_000))}/s` : '';
  const text = `${percent}  ${formatBytes(done)} of ${formatBytes(total)}${rate}`;
  if (!stream.isTTY) return `${label}: ${text.trim()}`;
  const full = Math.round(fraction * width);
  const bar = styleText('cyan', '█'.repeat(full)) + styleText('dim', '░'.repeat(width - full));
  return `${label}  ${bar} ${text}`;
}
