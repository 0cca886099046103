import * as z from 'zod';
import type { RegistryContext } from '../registry-context.ts';
import { tagsOf } from '../repository.ts';
import { ApiError } from './errors.ts';
import { lookUp } from './images.ts';
import {
  imageIdentifier,
  pageInput,
  pageOf,
  parseInput,
  repositoryInput,
  requireRepository,
} from './input.ts';

const filter = z.object({ tagStatus: z.enum(['TAGGED', 'UNTAGGED', 'ANY']).optional() }).optional();

function isWanted(tags: string[], status: 'TAGGED' | 'UNTAGGED' | 'ANY' = 'ANY'): boolean {
  return status === 'ANY' || (status === 'TAGGED') === tags.length > 0;
}

/** ListImages: one entry for each tag, and one for each untagged image. */
export async function listImages(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(z.object({ ...repositoryInput, ...pageInput, filter }), body);
  const repository = requireRepository(context, input);
  const all = [...repository.manifests.keys()].flatMap((imageDigest) => {
    const tags = tagsOf(repository, imageDigest);
    if (!isWanted(tags, input.filter?.tagStatus)) return [];
    return tags.length === 0 ? [{ imageDigest }] : tags.map((imageTag) => ({ imageDigest, imageTag }));
  });
  const keyOf = (id: { imageDigest: string; imageTag?: string }) => `${id.imageDigest} ${id.imageTag ?? ''}`;
  const { page, nextToken } = pageOf(all, keyOf, input);
  return { imageIds: page, nextToken };
}

/** DescribeImages: the named ones, or all in pages. */
export async function describeImages(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(
    z.object({
      ...repositoryInput,
      ...pageInput,
      filter,
      imageIds: z.array(imageIdentifier).min(1).max(100).optional(),
    }),
    body,
  );
  const repository = requireRepository(context, input);
  const named = input.imageIds?.map((imageId) => {
    const found = lookUp(repository, imageId);
    if (!('failureCode' in found)) return found;
    throw new ApiError(
      'ImageNotFoundException',
      `The image with imageId {imageDigest:'${imageId.imageDigest ?? 'null'}', imageTag:'${imageId.imageTag ?? 'null'}'} does not exist within the repository with name '${repository.name}' in the registry with id '${context.accountId}'`,
    );
  });
  const wanted = (named ?? [...repository.manifests.values()]).filter(({ digest }) =>
    isWanted(tagsOf(repository, digest), input.filter?.tagStatus),
  );
  const { page, nextToken } = pageOf(wanted, ({ digest }) => digest, input);
  const imageDetails = page.map((manifest) => {
    const imageTags = tagsOf(repository, manifest.digest);
    return {
      registryId: context.accountId,
      repositoryName: repository.name,
      imageDigest: manifest.digest,
      ...(imageTags.length === 0 ? {} : { imageTags }),
      imageSizeInBytes: manifest.contentSize,
      imagePushedAt: manifest.pushedAt / 1000,
      imageManifestMediaType: manifest.mediaType,
      ...(manifest.artifactType === undefined ? {} : { artifactMediaType: manifest.artifactType }),
      ...(manifest.subject === undefined ? {} : { subjectManifestDigest: manifest.subject }),
    };
  });
  return { imageDetails, nextToken };
}
