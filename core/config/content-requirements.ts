/** The severities of ECR's scans, from the most severe one on. */
export const scanSeverities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL', 'UNDEFINED'] as const;
export type ScanSeverity = (typeof scanSeverities)[number];

/** What an image must be like, whoever signed it. Absent fields require nothing. */
export interface ContentRequirements {
  /** All blobs and manifests of the image together are no larger. */
  maxBytes?: number;
  /** Platforms that it has, in the form of `formatPlatform`. */
  platforms?: string[];
  /** Labels that the configuration of each of its platforms has. */
  labels?: Record<string, string>;
  /** Annotations that its manifest or index has. */
  annotations?: Record<string, string>;
  /** For so long its digest has been known before it is mirrored. */
  ageSeconds?: number;
  /**
   * What a scan of the mirrored image must not find before the mapping moves: this severity or a
   * more severe one.
   */
  scan?: { block: ScanSeverity; waitSeconds: number };
}
