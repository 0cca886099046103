import { presentOnly } from '../../core/copy/amount.ts';
import { reportForeignLayers } from '../../core/copy/foreign-layers.ts';
import type { CopyPlan } from '../../core/copy/plan.ts';
import type { Transfer } from '../../core/copy/ports.ts';
import type { Manifest } from '../../core/oci/manifest.ts';
import { formatReference } from '../../core/oci/reference.ts';
import type { ImagePair } from './context.ts';
import type { CopyReport } from './report.ts';

/** What of a plan is reported. */
export type ReportedImage = Pick<CopyPlan, 'source' | 'root' | 'sizeBytes'> &
  Partial<Pick<CopyPlan, 'foreign'>>;

/**
 * An image that was found equal by its first manifest: of an index, whose children were not read,
 * only that is known.
 */
export function whole(source: Manifest, root: Manifest): ReportedImage {
  return { source, root, sizeBytes: root.bytes.byteLength + presentOnly(root).present.bytes };
}

/** The report of an image that is in the destination now. */
export function reportOf(
  { src, dst }: ImagePair,
  { source, root, sizeBytes, foreign: left = [] }: ReportedImage,
  transfer: Transfer,
  durationMs: number,
): CopyReport {
  const foreign = reportForeignLayers(left);
  return {
    source: formatReference(src),
    destination: formatReference(dst),
    sourceDigest: source.digest,
    digest: root.digest,
    mediaType: root.mediaType,
    sizeBytes,
    transfer,
    ...(foreign && { foreign }),
    durationMs,
  };
}
