import * as z from 'zod';
import { isScanned } from '../image-scans.ts';
import type { RegistryContext } from '../registry-context.ts';
import type { StoredManifest } from '../repository.ts';
import { ApiError } from './errors.ts';
import { lookUp, notFound } from './images.ts';
import { imageIdentifier, pageInput, parseInput, repositoryInput, requireRepository } from './input.ts';

/** One request for a scan of an image within this time, milliseconds. */
const scanOnceMs = 24 * 3_600_000;

const oneImage = z.object({ ...repositoryInput, imageId: imageIdentifier });

/**
 * StartImageScan.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_StartImageScan.html
 */
export async function startImageScan(context: RegistryContext, body: unknown): Promise<unknown> {
  const { name, manifest } = imageOf(context, parseInput(oneImage, body));
  if (!isScanned(manifest)) {
    throw new ApiError(
      'UnsupportedImageTypeException',
      `The image with digest '${manifest.digest}' in the repository with name '${name}' is of a type that is not supported for scanning`,
    );
  }
  const image = { repository: name, digest: manifest.digest };
  const now = context.catalog.now();
  const scan = context.scans.get(image);
  if (scan !== undefined && now - scan.begunAt < scanOnceMs) {
    throw new ApiError(
      'LimitExceededException',
      'The scan quota per image has been exceeded. Wait and try again.',
    );
  }
  context.scans.begin(image, now);
  return { ...described(context, name, manifest), imageScanStatus: { status: 'IN_PROGRESS' } };
}

/**
 * DescribeImageScanFindings: only counts, since nothing is really scanned.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageScanFindings.html
 */
export async function describeImageScanFindings(context: RegistryContext, body: unknown): Promise<unknown> {
  const { name, manifest } = imageOf(context, parseInput(oneImage.extend(pageInput), body));
  const scan = context.scans.get({ repository: name, digest: manifest.digest });
  if (scan === undefined) {
    throw new ApiError(
      'ScanNotFoundException',
      `Image scan does not exist for the image with '{imageDigest:'${manifest.digest}', imageTag:'null'}' in the repository with name '${name}' in the registry with id '${context.accountId}'`,
    );
  }
  const { outcome, completedAt = 0 } = scan;
  const image = described(context, name, manifest);
  if (outcome === undefined) return { ...image, imageScanStatus: { status: 'IN_PROGRESS' } };
  if (outcome.status !== 'COMPLETE') {
    const { status, description } = outcome;
    return { ...image, imageScanStatus: { status, description } };
  }
  return {
    ...image,
    imageScanStatus: { status: 'COMPLETE', description: 'The scan was completed successfully.' },
    imageScanFindings: {
      findings: [],
      imageScanCompletedAt: completedAt / 1000,
      vulnerabilitySourceUpdatedAt: completedAt / 1000,
      findingSeverityCounts: outcome.counts,
    },
  };
}

function imageOf(
  context: RegistryContext,
  input: z.output<typeof oneImage>,
): { name: string; manifest: StoredManifest } {
  const repository = requireRepository(context, input);
  const found = lookUp(repository, input.imageId);
  if ('failureCode' in found) throw notFound(context, repository, input.imageId);
  return { name: repository.name, manifest: found };
}

function described({ accountId }: RegistryContext, repositoryName: string, { digest }: StoredManifest) {
  return { registryId: accountId, repositoryName, imageId: { imageDigest: digest } };
}
