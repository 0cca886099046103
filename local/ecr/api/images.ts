import * as z from 'zod';
import { isDigest } from '../../../core/oci/digest.ts';
import { tellImageAction } from '../events.ts';
import type { RegistryContext } from '../registry-context.ts';
import { type Repository, type StoredManifest, tagsOf } from '../repository.ts';
import { ApiError } from './errors.ts';
import { imageIdentifier, parseInput, repositoryInput, requireRepository } from './input.ts';

/** An image, as requests name it. */
export type ImageIdentifier = z.output<typeof imageIdentifier>;

interface ImageFailure {
  imageId: ImageIdentifier;
  failureCode: string;
  failureReason: string;
}

/** The most images in one request. */
const imageIds = z.array(imageIdentifier).min(1).max(100);

/** The image, or why there is none. */
export function lookUp(
  repository: Repository,
  { imageDigest, imageTag }: ImageIdentifier,
): StoredManifest | Pick<ImageFailure, 'failureCode' | 'failureReason'> {
  if (imageDigest === undefined && imageTag === undefined) {
    const failureReason = 'Invalid request parameters: both tag and digest cannot be null';
    return { failureCode: 'MissingDigestAndTag', failureReason };
  }
  if (imageDigest !== undefined && !isDigest(imageDigest)) {
    const failureReason =
      'Invalid request parameters: image digest should satisfy the regex sha256:[a-f0-9]{64}';
    return { failureCode: 'InvalidImageDigest', failureReason };
  }
  const tagged = imageTag === undefined ? undefined : repository.tags.get(imageTag);
  const digest = imageDigest ?? tagged;
  const manifest = digest === undefined ? undefined : repository.manifests.get(digest);
  if (manifest === undefined || (imageTag !== undefined && tagged === undefined)) {
    return { failureCode: 'ImageNotFound', failureReason: 'Requested image not found' };
  }
  if (tagged !== undefined && tagged !== digest) {
    const failureReason = 'The image tag does not match the image digest';
    return { failureCode: 'ImageTagDoesNotMatchDigest', failureReason };
  }
  return manifest;
}

/** The exception for an image that {@link lookUp} does not find. */
export function notFound(
  context: RegistryContext,
  repository: Repository,
  { imageDigest, imageTag }: ImageIdentifier,
): ApiError {
  return new ApiError(
    'ImageNotFoundException',
    `The image with imageId {imageDigest:'${imageDigest ?? 'null'}', imageTag:'${imageTag ?? 'null'}'} does not exist within the repository with name '${repository.name}' in the registry with id '${context.accountId}'`,
  );
}

/**
 * BatchGetImage: manifests as they were put. `acceptedMediaTypes` has no effect, since ECR does not
 * convert newer formats.
 */
export async function batchGetImage(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(
    z.object({ ...repositoryInput, imageIds, acceptedMediaTypes: z.array(z.string()).optional() }),
    body,
  );
  const repository = requireRepository(context, input);
  const images: unknown[] = [];
  const failures: ImageFailure[] = [];
  for (const imageId of input.imageIds) {
    const found = lookUp(repository, imageId);
    if ('failureCode' in found) {
      failures.push({ imageId, ...found });
      continue;
    }
    if (found.archivedAt !== undefined) {
      const failureReason = 'Requested image is archived';
      failures.push({ imageId, failureCode: 'ImageNotFound', failureReason });
      continue;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of await context.catalog.blobs.read(found.digest)) chunks.push(chunk);
    images.push({
      registryId: context.accountId,
      repositoryName: repository.name,
      imageId: { ...imageId, imageDigest: found.digest },
      imageManifest: Buffer.concat(chunks).toString(),
      imageManifestMediaType: found.mediaType,
    });
  }
  return { images, failures };
}

/**
 * BatchDeleteImage. By tag, only the tag is deleted, unless it is the image's last: then the image
 * is deleted. By digest, the image is deleted with all its tags. Layers that no other image of the
 * repository has are deleted with it.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
 */
export async function batchDeleteImage(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(z.object({ ...repositoryInput, imageIds }), body);
  const repository = requireRepository(context, input);
  const deleted: ImageIdentifier[] = [];
  const failures: ImageFailure[] = [];
  for (const imageId of input.imageIds) {
    const found = lookUp(repository, imageId);
    if ('failureCode' in found) {
      failures.push({ imageId, ...found });
      continue;
    }
    const { digest } = found;
    const tags = tagsOf(repository, digest);
    if (imageId.imageTag !== undefined && tags.length > 1) {
      await context.catalog.removeTag(repository, imageId.imageTag);
      tellImageAction(context, 'DELETE', { repository: repository.name, digest, tag: imageId.imageTag });
      deleted.push({ imageDigest: digest, imageTag: imageId.imageTag });
      continue;
    }
    const parent = [...repository.manifests.values()].find(({ children }) => children.includes(digest));
    if (parent !== undefined) {
      const failureReason = `Requested image referenced by manifest list: [${parent.digest}]`;
      failures.push({ imageId, failureCode: 'ImageReferencedByManifestList', failureReason });
      continue;
    }
    await context.catalog.removeManifest(repository, digest, { layers: true });
    for (const tag of tags.length === 0 ? [undefined] : tags) {
      tellImageAction(context, 'DELETE', { repository: repository.name, digest, tag });
      deleted.push({ imageDigest: digest, ...(tag !== undefined && { imageTag: tag }) });
    }
  }
  return { imageIds: deleted, failures };
}
