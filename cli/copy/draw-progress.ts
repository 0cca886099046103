import { styleText } from 'node:util';
import { formatBytes, formatDuration } from '../format.ts';
import type { Rate } from '../rate.ts';
import type { BlobProgress, BlobUnderWay } from './blob-progress.ts';

export interface DrawOptions {
  /** What there is room for. */
  columns: number;
  lines: number;
  colours: boolean;
  title?: string | undefined;
  /** Milliseconds, on the clock of the progress. */
  now: number;
}

/** `sha256:` and twelve of the digits. */
const digestLength = 19;
const widestBar = 40;
/** A bar below this tells nothing. */
const narrowestBar = 5;

/** The lines of a copy's progress: the title, a bar for each blob under way, as many as there is room for, and one for all. */
export function drawProgress(progress: BlobProgress, options: DrawOptions): string[] {
  const { lines, title, now } = options;
  const { bytes, totalBytes, blobs, totalBlobs, underWay } = progress;
  const head = title !== undefined && lines > 2 ? [title] : [];
  const room = Math.max(0, lines - head.length - 1);
  const shown = [...underWay.values()].slice(0, room);
  const all = line(`${blobs} of ${totalBlobs} blobs`, bytes, totalBytes, rateAndEnd(progress, now), options);
  return [...head, ...shown.map((blob) => blobLine(blob, options)), all];
}

function blobLine({ blob, bytes, rate, attempts }: BlobUnderWay, options: DrawOptions): string {
  const told =
    attempts > 1 ? `${rateText(rate, options.now)}  attempt ${attempts}` : rateText(rate, options.now);
  return line(blob.digest.slice(0, digestLength), bytes, blob.size, told, options);
}

/** `sha256:5f641ca002a3   49.9 MB  ████░░░░   48 %  20.1 MB/s` */
function line(name: string, bytes: number, total: number, told: string, options: DrawOptions): string {
  const fraction = total === 0 ? 1 : Math.min(1, Math.max(0, bytes / total));
  const start = `${name.padEnd(digestLength)}  ${formatBytes(total).padStart(7)}`;
  const end = `${Math.floor(fraction * 100)} %`.padStart(5) + (told === '' ? '' : `  ${told}`);
  // Room for the usual rest of a line, so that the bars of all lines have the same width.
  const width = Math.min(
    widestBar,
    options.columns - start.length - 2 - 2 - 5 - 2 - 'xxxx MB/s  xx min xx s left'.length,
  );
  return width < narrowestBar
    ? `${start}  ${end}`
    : `${start}  ${bar(fraction, width, options.colours)}  ${end}`;
}

function bar(fraction: number, width: number, colours: boolean): string {
  const full = Math.round(fraction * width);
  const [done, left] = ['█'.repeat(full), '░'.repeat(width - full)];
  if (!colours) return done + left;
  const paint = (style: 'cyan' | 'dim', text: string) => styleText(style, text, { validateStream: false });
  return paint('cyan', done) + paint('dim', left);
}

function rateText(rate: Rate, now: number): string {
  const perSecond = rate.perSecond(now);
  return perSecond === undefined ? '' : `${formatBytes(perSecond)}/s`;
}

function rateAndEnd({ bytes, totalBytes, rate }: BlobProgress, now: number): string {
  const perSecond = rate.perSecond(now);
  if (perSecond === undefined || perSecond === 0) return rateText(rate, now);
  const seconds = Math.max(0, Math.ceil((totalBytes - bytes) / perSecond));
  const left = seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1_000);
  return `${rateText(rate, now)}  ${left} left`;
}
