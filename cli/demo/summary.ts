import type { Amount } from '../../core/copy/ports.ts';
import type { Job } from '../api/client.ts';
import { counted, formatBytes, formatDuration } from '../shared/format.ts';
import type { Cell } from '../terminal/table.ts';
import type { BuiltImage } from './image.ts';

/** A version of the image, and what mirroring it took. */
export interface Mirrored {
  built: BuiltImage;
  job: Job;
  /** From the webhook to the mapping. */
  durationMs: number;
}

/** The alignment of the columns of {@link summary}. */
export const summaryAlign = 'lrrrrrrr';
/**
 * Columns that are left out on a narrow terminal: the time saved, the numbers of blobs, then what
 * was present.
 */
export const summaryLeaveOut = [7, 3, 1, 4, 5];

/**
 * What was copied, what was present already, and how much that saved: a row for each version. Times
 * are compared with the first.
 */
export function summary(versions: Mirrored[]): Cell[][] {
  const titles = ['', '', 'copied', '', 'present', 'bytes saved', 'webhook to mapping', 'time saved'];
  const [first] = versions;
  return [
    titles.map((text) => ({ text, style: 'dim' })),
    ...versions.map((version): Cell[] => {
      const { copied, present } = version.job.transfer ?? { copied: none, present: none };
      const savedMs = first === undefined ? 0 : first.durationMs - version.durationMs;
      return [
        { text: version.built.tag, style: 'bold' },
        counted(copied.blobs, 'blob'),
        formatBytes(copied.bytes),
        counted(present.blobs, 'blob'),
        formatBytes(present.bytes),
        saved(present.bytes, copied.bytes + present.bytes),
        formatDuration(version.durationMs),
        saved(savedMs, first?.durationMs ?? 0),
      ];
    }),
  ];
}

function saved(part: number, whole: number): Cell {
  return part > 0 ? { text: percent(part, whole), style: 'green' } : { text: '-', style: 'dim' };
}

const none: Amount = { blobs: 0, bytes: 0 };

/** A percentage, rounded down so that only the whole is 100 %. */
export function percent(part: number, whole: number): string {
  if (part <= 0 || whole <= 0) return '0 %';
  return part >= whole ? '100 %' : `${(Math.floor((part / whole) * 1000) / 10).toFixed(1)} %`;
}
