import { styleText } from 'node:util';
import type { ForeignLayers } from '../../core/copy/foreign-layers.ts';
import type { Amount, Transfer } from '../../core/copy/ports.ts';
import type { ReferrersSummary } from '../../core/copy/referrers/referrers.ts';
import type { BlobState } from '../copy/dry-run.ts';
import { formatTotals } from '../copy/dry-run.ts';
import type { Failure } from '../copy/explain.ts';
import { formatReferrers } from '../copy/image-referrers.ts';
import { foreignNote, formatTransfer } from '../copy/report.ts';
import { counted, formatBytes, formatDuration } from '../shared/format.ts';
import { type Cell, formatTable, type Style } from '../terminal/table.ts';

/** What became of an image, or of what a rule names. */
export type SyncResult = {
  image: string;
  /** Absent for a rule whose repositories are not known. */
  mirror?: string;
} & (
  | {
      outcome: 'copied';
      digest: string;
      /** Another one than `digest` after a platform filter. */
      sourceDigest: string;
      transfer: Transfer;
      foreign?: ForeignLayers;
      referrers?: ReferrersSummary;
      durationMs: number;
    }
  | { outcome: 'equal'; digest: string; referrers?: ReferrersSummary }
  | {
      outcome: 'planned';
      digest: string;
      /** What the tag names now, if it exists. */
      destinationDigest?: string;
      totals: Record<BlobState, Amount>;
      foreign?: ForeignLayers;
    }
  | { outcome: 'failed'; error: Failure }
  /** Not tried, since those before failed in a way that this one would, too. */
  | { outcome: 'skipped' }
);

/** What `drayage sync --json` prints. */
export interface SyncReport {
  dryRun?: true;
  /** Where everything is below: `registry/prefix`. */
  to: string;
  images: SyncResult[];
  copied: number;
  equal: number;
  failed: number;
  skipped: number;
  /** What a dry run would copy. */
  planned?: number;
  /** Of all images that were copied. */
  transfer?: Transfer;
  /** Of all images that would be copied, each blob once. */
  totals?: Record<BlobState, Amount>;
  notes?: string[];
  durationMs: number;
}

const styles: Record<SyncResult['outcome'], Style> = {
  copied: 'green',
  equal: 'dim',
  planned: 'cyan',
  failed: 'red',
  skipped: 'red',
};

/** The report for people: a table of images and a line that sums it up. */
export function formatSync(
  report: SyncReport,
  { width, colours }: { width: number; colours: boolean },
): string {
  const { to, images, dryRun, notes = [], durationMs } = report;
  const heading = ['IMAGE', 'OUTCOME', dryRun ? 'TO COPY' : 'COPIED', 'DIGEST OR REASON'];
  const rows = images.map((image) => [
    image.image,
    { text: image.outcome, style: styles[image.outcome] },
    bytesOf(image),
    detailOf(image),
  ]);
  const paint = (style: Style, text: string) => styleText(style, text, { validateStream: false });
  const table = formatTable([heading, ...rows] satisfies Cell[][], {
    align: 'llrl',
    width,
    ...(colours && { paint }),
  });
  const counts = (['copied', 'planned', 'equal', 'failed', 'skipped'] as const)
    .filter((outcome) => (report[outcome] ?? 0) > 0)
    .map((outcome) => `${report[outcome]} ${outcome}`);
  const { transfer, totals } = report;
  const blobs = totals
    ? `blobs, each once: ${formatTotals(totals)}; nothing was written`
    : transfer
      ? `blobs: ${formatTransfer(transfer)} in ${formatDuration(durationMs)}`
      : '';
  return [
    ...(images.length > 0 ? [...table, ''] : []),
    ...notes.map((note) => `note: ${note}`),
    `${to}: ${[counted(images.length, 'image'), ...counts].join(', ')}`,
    blobs,
    '',
  ].join('\n');
}

function bytesOf(image: SyncResult): string {
  if (image.outcome === 'copied') return formatBytes(image.transfer.copied.bytes);
  return image.outcome === 'planned' ? formatBytes(image.totals.missing.bytes) : '';
}

function detailOf(image: SyncResult): string {
  const referrers = 'referrers' in image && image.referrers ? noteReferrers(image.referrers) : '';
  switch (image.outcome) {
    case 'copied':
      return `${image.digest}${foreignNote(image)}${referrers}`;
    case 'equal':
      return `${image.digest}${referrers}`;
    case 'planned':
      return `${image.digest}${foreignNote(image)}`;
    case 'failed':
      return image.error.message;
    case 'skipped':
      return 'not tried: images before it failed for a reason that would stop it, too';
  }
}

/** Of most images there are none, which is not worth telling. */
function noteReferrers(referrers: ReferrersSummary): string {
  const { copied, missing, incomplete } = referrers;
  return copied > 0 || missing.length > 0 || incomplete ? `  ${formatReferrers(referrers)}` : '';
}
