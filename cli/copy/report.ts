import type { ForeignLayers } from '../../core/copy/foreign-layers.ts';
import type { Amount, Transfer } from '../../core/copy/ports.ts';
import type { ReferrersSummary } from '../../core/copy/referrers/referrers.ts';
import { counted, formatBytes, formatDuration } from '../shared/format.ts';
import type { Failure } from './explain.ts';
import { formatReferrers } from './image-referrers.ts';

/** What `drayage copy --json` prints of one image. */
export interface CopyReport {
  source: string;
  destination: string;
  /**
   * What the source's reference points to, and what the destination's does now: they differ only
   * after a platform filter.
   */
  sourceDigest: string;
  digest: string;
  mediaType: string;
  sizeBytes: number;
  transfer: Transfer;
  /** Layers that are not in the source's registry and were left out. */
  foreign?: ForeignLayers;
  /** With `--referrers`: what became of signatures, SBOMs and the like. */
  referrers?: ReferrersSummary;
  durationMs: number;
}

/** What became of one of the tags. */
export type TagResult =
  | ({ tag: string; outcome: 'copied' } & CopyReport)
  /** The destination's tag names the same digest already. */
  | { tag: string; outcome: 'equal'; digest: string; referrers?: ReferrersSummary }
  | { tag: string; outcome: 'failed'; error: Failure }
  /** Not tried, since those before failed in a way that these would, too. */
  | { tag: string; outcome: 'skipped' };

/** What `drayage copy --all-tags --json` prints. */
export interface TagsReport {
  /** Repositories. */
  source: string;
  destination: string;
  copied: number;
  equal: number;
  failed: number;
  skipped: number;
  /**
   * How many tags name signatures and the like, and are not copied as images; absent if there are
   * none.
   */
  signatureTags?: number;
  tags: TagResult[];
  /** Of all images that were copied. */
  transfer: Transfer;
  durationMs: number;
}

/** One image's report for people. */
export function formatReport(report: CopyReport): string {
  return (
    `${report.destination}@${report.digest}\n` +
    `blobs: ${formatTransfer(report.transfer)} in ${formatDuration(report.durationMs)}\n` +
    (report.foreign ? `${report.foreign.note}\n` : '') +
    (report.referrers ? `${formatReferrers(report.referrers)}\n` : '')
  );
}

/** What became of a tag, in a line; why one failed is told at the end. */
export function formatTag(result: TagResult): string {
  const referrers = 'referrers' in result && result.referrers ? `  ${formatReferrers(result.referrers)}` : '';
  const foreign = 'foreign' in result ? foreignNote(result) : '';
  switch (result.outcome) {
    case 'copied':
      return `${result.tag}  ${result.digest}  ${formatTransfer(result.transfer)}${foreign}${referrers}\n`;
    case 'equal':
      return `${result.tag}  ${result.digest}  equal already${referrers}\n`;
    case 'failed':
      return `${result.tag}  failed\n`;
    case 'skipped':
      return `${result.tag}  not tried\n`;
  }
}

/** What a tag's line says of layers that were left out. */
export function foreignNote({ foreign }: { foreign?: ForeignLayers }): string {
  return foreign ? `  ${foreign.note}` : '';
}

/** The line about tags that name signatures and the like; empty if there are none. */
export function signaturesNote(signatureTags = 0): string {
  if (signatureTags === 0) return '';
  return `left out: ${counted(signatureTags, 'tag')} of signatures and the like; --referrers copies what belongs to an image\n`;
}

/**
 * The end of a copy of many tags.
 *
 * @param referrers whether what belongs to the images was copied
 */
export function formatTags(report: TagsReport, referrers: boolean): string {
  const counts = (['copied', 'equal', 'failed', 'skipped'] as const)
    .filter((outcome) => report[outcome] > 0)
    .map((outcome) => `${report[outcome]} ${outcome === 'skipped' ? 'not tried' : outcome}`);
  return (
    `${report.destination}: ${report.tags.length} ${report.tags.length === 1 ? 'tag' : 'tags'}, ${counts.join(', ')}\n` +
    `blobs: ${formatTransfer(report.transfer)} in ${formatDuration(report.durationMs)}\n` +
    (referrers ? '' : signaturesNote(report.signatureTags))
  );
}

/** `copied 2 (12.3 MB), mounted 0 (0 B), present 1 (806 B)`. */
export function formatTransfer({ copied, mounted, present }: Transfer): string {
  return `${formatAmount('copied', copied)}, ${formatAmount('mounted', mounted)}, ${formatAmount('present', present)}`;
}

/** `missing 2 (12.3 MB)`. */
export function formatAmount(what: string, { blobs, bytes }: Amount): string {
  return `${what} ${blobs} (${formatBytes(bytes)})`;
}
