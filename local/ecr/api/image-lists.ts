import * as z from 'zod';
import type { RegistryContext } from '../registry-context.ts';
import { type StoredManifest, tagsOf } from '../repository.ts';
import { lookUp, notFound } from './images.ts';
import {
  imageIdentifier,
  pageInput,
  pageOf,
  parseInput,
  repositoryInput,
  requireRepository,
} from './input.ts';

const filter = z
  .object({
    tagStatus: z.enum(['TAGGED', 'UNTAGGED', 'ANY']).optional(),
    imageStatus: z.enum(['ACTIVE', 'ARCHIVED', 'ACTIVATING', 'ANY']).optional(),
  })
  .optional();

/** Whether a list shows an image: by default, only those that are active. */
function isWanted(
  { archivedAt }: StoredManifest,
  tags: string[],
  { tagStatus = 'ANY', imageStatus = 'ACTIVE' }: z.output<typeof filter> = {},
): boolean {
  const status = archivedAt === undefined ? 'ACTIVE' : 'ARCHIVED';
  if (imageStatus !== 'ANY' && imageStatus !== status) return false;
  return tagStatus === 'ANY' || (tagStatus === 'TAGGED') === tags.length > 0;
}

/** ListImages: one entry for each tag, and one for each untagged image. */
export async function listImages(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(z.object({ ...repositoryInput, ...pageInput, filter }), body);
  const repository = requireRepository(context, input);
  const all = [...repository.manifests.values()].flatMap((manifest) => {
    const imageDigest = manifest.digest;
    const tags = tagsOf(repository, imageDigest);
    if (!isWanted(manifest, tags, input.filter)) return [];
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
    throw notFound(context, repository, imageId);
  });
  const wanted = (named ?? [...repository.manifests.values()]).filter((manifest) =>
    isWanted(manifest, tagsOf(repository, manifest.digest), input.filter),
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
      imageStatus: manifest.archivedAt === undefined ? 'ACTIVE' : 'ARCHIVED',
      ...(manifest.archivedAt === undefined ? {} : { lastArchivedAt: manifest.archivedAt / 1000 }),
      ...(manifest.artifactType === undefined ? {} : { artifactMediaType: manifest.artifactType }),
      ...(manifest.subject === undefined ? {} : { subjectManifestDigest: manifest.subject }),
    };
  });
  return { imageDetails, nextToken };
}
