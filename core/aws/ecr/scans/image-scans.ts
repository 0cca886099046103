import {
  DescribeImageScanFindingsCommand,
  type DescribeImageScanFindingsCommandOutput,
  type ECRClient,
  type ECRClientConfig,
  LimitExceededException,
  ScanNotFoundException,
  StartImageScanCommand,
  UnsupportedImageTypeException,
  ValidationException,
} from '@aws-sdk/client-ecr';
import type { CallOptions } from '../../../copy/ports.ts';
import type { Digest } from '../../../oci/digest.ts';
import { plainText } from '../../../oci/plain-text.ts';
import { RegistryError } from '../../../registry/errors.ts';
import type { ImageScans, ScanResult } from '../../../requirements/scans.ts';
import { called, ecrClient } from '../call.ts';

/** Characters of the reason that ECR gives. */
const maxReason = 300;

/**
 * The scans of an ECR registry's images, by basic or enhanced scanning.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
 */
export class EcrImageScans implements ImageScans {
  readonly #ecr: ECRClient;

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(config: ECRClientConfig = {}) {
    this.#ecr = ecrClient(config);
  }

  /**
   * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageScanFindings.html
   */
  async result(repository: string, digest: Digest, options?: CallOptions): Promise<ScanResult> {
    const image = { repositoryName: repository, imageId: { imageDigest: digest } };
    try {
      const answer = await called(
        { operation: 'DescribeImageScanFindings', registry: repository },
        () =>
          this.#ecr.send(new DescribeImageScanFindingsCommand({ ...image, maxResults: 1 }), {
            abortSignal: options?.signal,
          }),
        options,
      );
      return resultOf(answer);
    } catch (error) {
      if (!isCausedBy(error, ScanNotFoundException)) throw error;
      return await this.#start(image, options);
    }
  }

  close(): void {
    this.#ecr.destroy();
  }

  /**
   * Scanning on push may not have noticed the image yet, or not at all: then this begins a basic
   * scan. Enhanced scanning knows no such request and refuses it; ECR also refuses a second one
   * within 24 hours.
   * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_StartImageScan.html
   */
  async #start(
    image: { repositoryName: string; imageId: { imageDigest: Digest } },
    options?: CallOptions,
  ): Promise<ScanResult> {
    try {
      await called(
        { operation: 'StartImageScan', registry: image.repositoryName },
        () => this.#ecr.send(new StartImageScanCommand(image), { abortSignal: options?.signal }),
        options,
      );
      return { kind: 'pending', reason: 'it has just begun' };
    } catch (error) {
      if (isCausedBy(error, UnsupportedImageTypeException))
        return { kind: 'unavailable', reason: 'Amazon ECR can’t scan images of this type' };
      if (isCausedBy(error, LimitExceededException) || isCausedBy(error, ValidationException))
        return { kind: 'pending', reason: 'it has not begun' };
      throw error;
    }
  }
}

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanStatus.html */
function resultOf(answer: DescribeImageScanFindingsCommandOutput): ScanResult {
  const { imageScanStatus, imageScanFindings } = answer;
  const { status, description } = imageScanStatus ?? {};
  const told = description ? ` (${plainText(description, maxReason)})` : '';
  switch (status) {
    // ACTIVE: enhanced scanning looks at the image again and again.
    case 'ACTIVE':
    case 'COMPLETE':
      // Without findings, the first scan of an image that is scanned again and again is not over.
      return imageScanFindings?.imageScanCompletedAt === undefined
        ? { kind: 'pending', reason: `it is ${status}, without a result` }
        : {
            kind: 'complete',
            counts: new Map(Object.entries(imageScanFindings.findingSeverityCounts ?? {})),
          };
    case 'FAILED':
    case 'UNSUPPORTED_IMAGE':
    case 'SCAN_ELIGIBILITY_EXPIRED':
    case 'LIMIT_EXCEEDED':
      return { kind: 'unavailable', reason: `it is ${status}${told}` };
    default:
      // IN_PROGRESS, PENDING, FINDINGS_UNAVAILABLE, and what is not known here.
      return { kind: 'pending', reason: `it is ${plainText(status ?? 'unknown', 40)}${told}` };
  }
}

function isCausedBy(error: unknown, type: abstract new (...args: never[]) => Error): boolean {
  return error instanceof RegistryError && error.cause instanceof type;
}
