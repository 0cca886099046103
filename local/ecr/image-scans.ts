import type { Digest } from '../../core/oci/digest.ts';
import type { Repository, StoredManifest } from './repository.ts';

/** How a scan ends. */
export type ScanOutcome =
  | { status: 'COMPLETE'; counts: Record<string, number> }
  | { status: 'FAILED' | 'UNSUPPORTED_IMAGE'; description: string };

/** An image as scans know it. */
export interface ScannedImage {
  repository: string;
  digest: Digest;
}

/** A scan, under way or finished. */
export interface ImageScan {
  /** Milliseconds since 1970. */
  begunAt: number;
  completedAt?: number;
  outcome?: ScanOutcome;
}

const scannedTypes = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];

/** Whether ECR scans such a manifest: container images, and no indexes. */
export function isScanned({ artifactType, children, mediaType }: StoredManifest): boolean {
  const isIndex = children.length > 0 || /index|manifest\.list/.test(mediaType);
  return !isIndex && scannedTypes.includes(artifactType ?? '');
}

/**
 * Basic scans of the registry's images. There is no scanner: unless `outcomeOf` says otherwise, a
 * scan finds nothing and is over at once. After a restart, nothing has been scanned.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-basic.html
 */
export class ImageScans {
  /** How the scan of an image ends; undefined: not before {@link finish}. */
  outcomeOf: (image: ScannedImage) => ScanOutcome | undefined = () => ({ status: 'COMPLETE', counts: {} });
  readonly #scans = new Map<string, ImageScan>();
  /** Is told of scans that end. */
  ended: (image: ScannedImage, outcome: ScanOutcome) => void = () => {};

  get(image: ScannedImage): ImageScan | undefined {
    return this.#scans.get(nameOf(image));
  }

  /** Begins a scan. */
  begin(image: ScannedImage, now: number): void {
    this.#scans.set(nameOf(image), { begunAt: now });
    const outcome = this.outcomeOf(image);
    if (outcome !== undefined) this.finish(image, outcome);
  }

  /** Begins a scan of what was pushed, if the repository's settings ask for it. */
  pushed({ name, settings }: Repository, manifest: StoredManifest, now: number): void {
    if (!settings.imageScanningConfiguration.scanOnPush || !isScanned(manifest)) return;
    const image = { repository: name, digest: manifest.digest };
    if (this.get(image) === undefined) this.begin(image, now);
  }

  /** Ends a scan that is under way. */
  finish(image: ScannedImage, outcome: ScanOutcome): void {
    const scan = this.get(image);
    if (scan === undefined || scan.outcome !== undefined) return;
    scan.outcome = outcome;
    scan.completedAt = Date.now();
    this.ended(image, outcome);
  }
}

function nameOf({ repository, digest }: ScannedImage): string {
  return `${repository}@${digest}`;
}
