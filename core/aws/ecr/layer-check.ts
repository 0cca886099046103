import { BatchCheckLayerAvailabilityCommand } from '@aws-sdk/client-ecr';
import { expectHeldSize } from '../../copy/blob/verify.ts';
import { CopyError } from '../../copy/errors.ts';
import type { CallOptions } from '../../copy/ports.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, digestAlgorithm } from '../../oci/digest.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { EcrAccess, EcrName } from './access.ts';
import { called } from './call.ts';

/** BatchCheckLayerAvailability takes at most this many digests. */
export const checkBatchSize = 100;

/**
 * Refuses blobs that Amazon ECR never accepts, before anything is sent.
 *
 * @throws CopyError EMPTY_BLOB: an upload of 0 bytes can't be completed, and some artifacts have an
 *   empty config (https://github.com/devcontainers/cli/issues/814); DIGEST_UNSUPPORTED: any digest
 *   but sha256, the only one that Amazon ECR is known to accept.
 */
export function expectHoldable(blobs: Descriptor[]): void {
  for (const { digest, mediaType, size } of blobs) {
    if (size === 0) {
      throw new CopyError(
        'EMPTY_BLOB',
        digest,
        `it is empty (${mediaType}): Amazon ECR can't hold a blob of 0 bytes`,
      );
    }
    if (digestAlgorithm(digest) !== 'sha256') {
      throw new CopyError(
        'DIGEST_UNSUPPORTED',
        digest,
        `Amazon ECR accepts only sha256 digests (${mediaType})`,
      );
    }
  }
}

/**
 * Which blobs of a batch a repository holds.
 *
 * @throws CopyError SIZE_INVALID if one has a different size.
 */
export async function heldLayers(
  access: EcrAccess,
  repository: EcrName,
  batch: Descriptor[],
  options?: CallOptions,
): Promise<Digest[]> {
  const { layers = [], failures = [] } = await called(
    { operation: 'BatchCheckLayerAvailability', registry: repository.name },
    () =>
      access.ecr.send(
        new BatchCheckLayerAvailabilityCommand({
          repositoryName: repository.repositoryName,
          layerDigests: batch.map((blob) => blob.digest),
        }),
        { abortSignal: options?.signal },
      ),
    options,
  );
  const refused = failures.find((failure) => failure.failureCode !== 'MissingLayerDigest');
  if (refused) {
    throw new RegistryError(
      {
        side: 'mirror',
        registry: repository.name,
        operation: 'BatchCheckLayerAvailability',
        reference: refused.layerDigest,
      },
      {
        code: refused.failureCode ?? 'UNKNOWN',
        reason: refused.failureReason ?? 'the digest was refused',
        remedy: 'Amazon ECR accepts only sha256 digests',
      },
    );
  }
  // An ARCHIVED layer can't be pulled; pushing it again restores it. So only AVAILABLE counts.
  const sizes = new Map(
    layers
      .filter(({ layerAvailability }) => layerAvailability === 'AVAILABLE')
      .map(({ layerDigest, layerSize }) => [layerDigest, layerSize]),
  );
  const held = batch.filter(({ digest }) => sizes.has(digest));
  for (const blob of held) expectHeldSize(repository.name, blob, sizes.get(blob.digest));
  return held.map(({ digest }) => digest);
}
