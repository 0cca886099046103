import {
  type ContentRequirements,
  type ScanSeverity,
  scanSeverities,
} from '../config/content-requirements.ts';
import type { CallOptions } from '../copy/ports.ts';
import type { Digest } from '../oci/digest.ts';

/** What is known of an image's scan. */
export type ScanResult =
  | { kind: 'pending'; reason: string }
  /** How many findings there are of each severity, by the scanner's names. */
  | { kind: 'complete'; counts: Map<string, number> }
  /** The image can't be scanned, or its scan failed. */
  | { kind: 'unavailable'; reason: string };

/** The scans of a mirror registry's images. */
export interface ImageScans {
  /**
   * What is known of an image's scan. One that was not begun is begun.
   *
   * @throws RegistryError if the registry can't be asked
   */
  result(repository: string, digest: Digest, options?: CallOptions): Promise<ScanResult>;
}

/** The scan of one image. */
export interface ScannedImage {
  digest: Digest;
  result: ScanResult;
}

/** What the scans of all images together mean. */
export type ScanVerdict =
  | { kind: 'passed' }
  | { kind: 'pending'; digests: Digest[]; reason: string }
  | { kind: 'blocked'; detail: string }
  | { kind: 'unavailable'; detail: string };

/**
 * Judges the scans of an image's platforms. A finding blocks even while other scans are under way.
 * A severity that is not known here counts as the most severe one.
 */
export function judgeScans(
  scans: ScannedImage[],
  { block }: NonNullable<ContentRequirements['scan']>,
): ScanVerdict {
  const limit = scanSeverities.indexOf(block);
  for (const { digest, result } of scans) {
    if (result.kind !== 'complete') continue;
    const found = [...result.counts].filter(([severity, count]) => count > 0 && rank(severity) <= limit);
    if (found.length > 0) {
      const counts = found
        .toSorted(([a], [b]) => rank(a) - rank(b))
        .map(([name, count]) => `${count} ${name}`);
      return { kind: 'blocked', detail: `the scan of ${digest} has findings: ${counts.join(', ')}` };
    }
  }
  for (const { digest, result } of scans)
    if (result.kind === 'unavailable')
      return { kind: 'unavailable', detail: `the scan of ${digest} has no result: ${result.reason}` };
  const pending = scans.flatMap(({ digest, result: scan }) =>
    scan.kind === 'pending' ? [{ digest, reason: scan.reason }] : [],
  );
  const [first] = pending;
  return first === undefined
    ? { kind: 'passed' }
    : { kind: 'pending', digests: pending.map(({ digest }) => digest), reason: first.reason };
}

/** Amazon Inspector says UNTRIAGED where basic scanning says UNDEFINED. */
function rank(severity: string): number {
  const index = scanSeverities.indexOf((severity === 'UNTRIAGED' ? 'UNDEFINED' : severity) as ScanSeverity);
  return Math.max(0, index);
}
