import { formatBytes, formatDuration } from '../shared/format.ts';
import type { Rate } from '../shared/rate.ts';
import { drawBar } from '../terminal/progress-bar.ts';
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
/** A narrower bar is useless. */
const narrowestBar = 5;

/**
 * The lines of a copy's progress: the title, a bar for each blob under way, as many as there is
 * room for, and one for all.
 */
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
  const told = [rateText(rate, options.now), ...(attempts > 1 ? [`attempt ${attempts}`] : [])];
  return line(blob.digest.slice(0, digestLength), bytes, blob.size, told, options);
}

/**
 * `sha256:5f641ca002a3   49.9 MB  ████░░░░   48 %  20.1 MB/s`; without room for a bar, the last
 * parts are dropped first.
 */
function line(name: string, bytes: number, total: number, told: string[], options: DrawOptions): string {
  const { columns, colours } = options;
  const fraction = total === 0 ? 1 : Math.min(1, Math.max(0, bytes / total));
  const start = `${name.padEnd(digestLength)}  ${formatBytes(total).padStart(7)}`;
  const percent = `${Math.floor(fraction * 100)} %`.padStart(5);
  const end = (parts: string[]) => [percent, ...parts].join('  ');
  // Room for the usual rest of a line, so that the bars of all lines have the same width.
  const width = Math.min(
    widestBar,
    columns - start.length - 2 - 2 - 5 - 2 - 'xxxx MB/s  xx min xx s left'.length,
  );
  if (width >= narrowestBar) return `${start}  ${drawBar(fraction, width, colours)}  ${end(told)}`;
  const forms = told.map((_, left) => `${start}  ${end(told.slice(0, told.length - left))}`);
  return forms.find((form) => form.length <= columns) ?? `${start}  ${percent}`;
}

function rateText(rate: Rate, now: number): string {
  const perSecond = rate.perSecond(now);
  return perSecond === undefined ? '' : `${formatBytes(perSecond)}/s`;
}

function rateAndEnd({ bytes, totalBytes, rate }: BlobProgress, now: number): string[] {
  const perSecond = rate.perSecond(now);
  if (perSecond === undefined || perSecond === 0) return [rateText(rate, now)];
  const seconds = Math.max(0, Math.ceil((totalBytes - bytes) / perSecond));
  const left = seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1_000);
  return [rateText(rate, now), `${left} left`];
}
