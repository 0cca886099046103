import * as z from 'zod';
import { tellStorageClass } from '../events.ts';
import type { RegistryContext } from '../registry-context.ts';
import { lookUp, notFound } from './images.ts';
import { imageIdentifier, parseInput, repositoryInput, requireRepository } from './input.ts';

/**
 * UpdateImageStorageClass: archives an image, or restores it. ECR takes up to 20 minutes for the
 * latter; here it is done at once.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive_restore_image.html
 */
export async function updateImageStorageClass(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(
    z.object({
      ...repositoryInput,
      imageId: imageIdentifier,
      targetStorageClass: z.enum(['STANDARD', 'ARCHIVE']),
    }),
    body,
  );
  const repository = requireRepository(context, input);
  const manifest = lookUp(repository, input.imageId);
  if ('failureCode' in manifest) throw notFound(context, repository, input.imageId);
  const archived = input.targetStorageClass === 'ARCHIVE';
  if ((manifest.archivedAt !== undefined) !== archived) {
    await context.catalog.archive(repository, manifest.digest, archived);
    tellStorageClass(context, repository.name, manifest, input.targetStorageClass);
  }
  return {
    registryId: context.accountId,
    repositoryName: repository.name,
    imageId: { ...input.imageId, imageDigest: manifest.digest },
    imageStatus: archived ? 'ARCHIVED' : 'ACTIVE',
  };
}
