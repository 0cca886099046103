import { amountOf } from '../../core/copy/amount.ts';
import { type ForeignLayers, reportForeignLayers } from '../../core/copy/foreign-layers.ts';
import type { Amount } from '../../core/copy/ports.ts';
import { plainText } from '../../core/oci/plain-text.ts';
import { formatReference } from '../../core/oci/reference.ts';
import { formatBytes } from '../shared/format.ts';
import { fittedLine } from '../terminal/digests.ts';
import { formatTable } from '../terminal/table.ts';
import { compareImage } from './compare-image.ts';
import { type CopyContext, type ImagePair, mountFrom } from './context.ts';
import { planImage } from './plan-image.ts';
import { formatAmount } from './report.ts';
import type { Done } from './side-by-side.ts';

/**
 * What a copy would do with a blob: nothing, ask the registry to take it from its other repository,
 * or transfer it.
 */
export type BlobState = 'present' | 'mountable' | 'missing';

/** A blob of the plan. */
export interface PlannedBlob {
  digest: string;
  sizeBytes: number;
  mediaType: string;
  state: BlobState;
}

/** What `drayage copy --dry-run --json` prints of one image. */
export interface DryRunReport {
  dryRun: true;
  source: string;
  destination: string;
  sourceDigest: string;
  /** What the destination's tag would name, and what it names now; absent where there is none. */
  digest: string;
  destinationDigest?: string;
  mediaType: string;
  sizeBytes: number;
  blobs: PlannedBlob[];
  totals: Record<BlobState, Amount>;
  /** Layers that are not in the source's registry and would be left out. */
  foreign?: ForeignLayers;
}

/** Characters of what the publisher wrote; real ones have some 60. */
const maxMediaType = 100;

/** Finds out what a copy would do. Both registries are only read. */
export async function dryRun(pair: ImagePair, context: CopyContext): Promise<DryRunReport> {
  const { src, dst } = pair;
  const { plan, destinationDigest } = await planImage(pair, context);
  const present = new Set(plan.present.map(({ digest }) => digest));
  const elsewhere: BlobState = mountFrom(pair) === undefined ? 'missing' : 'mountable';
  const blobs = plan.blobs.map(
    ({ digest, size, mediaType }): PlannedBlob => ({
      digest,
      sizeBytes: size,
      mediaType,
      state: present.has(digest) ? 'present' : elsewhere,
    }),
  );
  const foreign = reportForeignLayers(plan.foreign);
  return {
    dryRun: true,
    source: formatReference(src),
    destination: formatReference(dst),
    sourceDigest: plan.source.digest,
    digest: plan.root.digest,
    ...(destinationDigest !== undefined && { destinationDigest }),
    mediaType: plan.root.mediaType,
    sizeBytes: plan.sizeBytes,
    blobs,
    totals: totalsOf(blobs),
    ...(foreign && { foreign }),
  };
}

/** Finds out what a copy would do with an image that the destination's tag does not name yet. */
export async function planIfDifferent(pair: ImagePair, context: CopyContext): Promise<Done<DryRunReport>> {
  const comparison = await compareImage(pair, context);
  if (comparison.kind === 'equal') return { outcome: 'equal', digest: comparison.digest };
  const result = await dryRun(pair, context);
  const { digest, destinationDigest } = result;
  return digest === destinationDigest ? { outcome: 'equal', digest } : { outcome: 'done', result };
}

/** Sums by state; of several images' blobs each digest counts once. */
export function totalsOf(blobs: readonly PlannedBlob[]): Record<BlobState, Amount> {
  const each = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  const total = (state: BlobState) =>
    amountOf(each.filter((blob) => blob.state === state).map(({ sizeBytes }) => ({ size: sizeBytes })));
  return { present: total('present'), mountable: total('mountable'), missing: total('missing') };
}

/** The column of a plan that a narrow terminal leaves out: the media type. */
const planLeaveOut = [3];

/** The plan for people, in lines no longer than `width`. */
export function formatPlan(report: DryRunReport, width: number = Number.POSITIVE_INFINITY): string {
  const { destinationDigest: now, digest } = report;
  const tag = now === undefined ? 'does not exist' : now === digest ? 'is equal already' : `names ${now} now`;
  const rows = report.blobs.map((blob) => [
    blob.state,
    blob.digest,
    formatBytes(blob.sizeBytes),
    plainText(blob.mediaType, maxMediaType),
  ]);
  const fitted = (line: string) => fittedLine(line, width);
  return [
    ...fitted(`${report.source} is ${digest}`),
    ...fitted(`${report.destination} ${tag}`),
    ...formatTable(rows, { align: 'llrl', leaveOut: planLeaveOut, width: width - 2 }).map(
      (row) => `  ${row}`,
    ),
    ...(report.foreign ? fitted(report.foreign.note.replace('not copied', 'would not be copied')) : []),
    ...fitted(`would transfer: ${formatTotals(report.totals)}; nothing was written`),
    '',
  ].join('\n');
}

/** `missing 2 (12.3 MB), mountable 0 (0 B), present 1 (806 B)`. */
export function formatTotals({ missing, mountable, present }: DryRunReport['totals']): string {
  return [
    formatAmount('missing', missing),
    formatAmount('mountable', mountable),
    formatAmount('present', present),
  ].join(', ');
}
