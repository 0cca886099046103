import type { ImageKey } from '../../mapping/record.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ImageScans } from '../../requirements/scans.ts';

/** What jobs need for rules that ask for an age or a scan. */
export interface RequirementPorts {
  seen: SeenDigests;
  waits: ScanWaits;
  scans: ImageScans;
}

/**
 * When a digest was first seen under a tag, or by itself. One digest is kept for each: another one
 * takes its place, and starts anew if it comes back.
 */
export interface SeenDigests {
  /** Records that a digest is seen now, unless that is recorded. @returns since when it has been */
  since(key: ImageKey, digest: Digest, now: Date): Promise<Date>;
}

/** Which jobs wait for the scan of an image. */
export interface ScanWaits {
  /** Records that a job waits. It may stay recorded for some hours after it no longer does. */
  add(image: ScanPlace, job: string, now: Date): Promise<void>;
  jobs(image: ScanPlace): Promise<string[]>;
}

/** An image of the mirror. */
export interface ScanPlace {
  /** The mirror repository. */
  repository: string;
  digest: Digest;
}
