import * as z from 'zod';
import { type Digest, isDigest } from '../../../core/oci/digest.ts';
import { maxManifestBytes } from '../../../core/oci/manifest.ts';
import { isTag } from '../../../core/oci/reference.ts';
import { tellImageAction } from '../events.ts';
import { type PutManifestOutcome, putManifest } from '../put-manifest.ts';
import type { RegistryContext } from '../registry-context.ts';
import { ApiError, invalidParameter } from './errors.ts';
import { parseInput, repositoryInput, requireRepository } from './input.ts';

const image = z.object({
  ...repositoryInput,
  imageManifest: z.string().min(1),
  imageManifestMediaType: z.string().optional(),
  imageTag: z.string().optional(),
  imageDigest: z.string().optional(),
});

/** PutImage: stores a manifest verbatim, and points a tag to it. */
export async function putImage(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(image, body);
  const repository = requireRepository(context, input);
  const { imageManifest, imageManifestMediaType: mediaType, imageTag: tag, imageDigest: digest } = input;
  const bytes = Buffer.from(imageManifest);
  if (bytes.length > maxManifestBytes)
    throw invalidParameter('ImageManifest', 'Member must have length less than or equal to 4194304');
  if (tag !== undefined && !isTag(tag)) throw invalidParameter('imageTag', 'must be a tag');
  if (digest !== undefined && !isDigest(digest))
    throw invalidParameter('imageDigest', 'must be a digest such as sha256:…');
  // Neither the request nor the manifest (OCI's may omit it) states the type: aws/aws-sdk#193.
  if (mediaType === undefined && !statesItsType(imageManifest)) throw invalidManifest();
  const outcome = await putManifest(context.catalog, repository, {
    bytes,
    mediaType,
    refuseMediaTypeParameters: true,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  });
  if (outcome.kind !== 'stored') throw refusal(context, repository.name, digest, outcome);
  const { manifest, unchanged } = outcome;
  if (unchanged) {
    const tagged = tag === undefined ? '' : ` and tag '${tag}'`;
    throw new ApiError(
      'ImageAlreadyExistsException',
      `Image with digest '${manifest.digest}'${tagged} already exists in the repository with name '${repository.name}' in registry with id '${context.accountId}'`,
    );
  }
  tellImageAction(context, 'PUSH', { repository: repository.name, digest: manifest.digest, tag });
  context.scans.pushed(repository, manifest, context.catalog.now());
  return {
    image: {
      registryId: context.accountId,
      repositoryName: repository.name,
      imageId: { imageDigest: manifest.digest, ...(tag === undefined ? {} : { imageTag: tag }) },
      imageManifest,
      imageManifestMediaType: manifest.mediaType,
    },
  };
}

function statesItsType(imageManifest: string): boolean {
  try {
    const { mediaType } = JSON.parse(imageManifest) as { mediaType?: unknown };
    return typeof mediaType === 'string';
  } catch {
    return false;
  }
}

function invalidManifest(): ApiError {
  return invalidParameter('ImageManifest', 'Invalid JSON syntax');
}

function refusal(
  context: RegistryContext,
  name: string,
  digest: Digest | undefined,
  outcome: Exclude<PutManifestOutcome, { kind: 'stored' }>,
): ApiError {
  const required = (what: string, digests: Digest[]): string =>
    `${what} with digests '[${digests.join(', ')}]' required for pushing image into repository with name '${name}' ` +
    `in the registry with id '${context.accountId}' do not exist`;
  switch (outcome.kind) {
    case 'invalid':
      return invalidManifest();
    case 'digest-mismatch':
      return new ApiError(
        'ImageDigestDoesNotMatchException',
        `The image with digest '${digest}' in repository '${name}' and registry ID '${context.accountId}' does not match the image digest that Amazon ECR has calculated.`,
      );
    case 'layers-missing':
      return new ApiError('LayersNotFoundException', required('Layers', outcome.digests));
    case 'images-missing':
      return new ApiError('ReferencedImagesNotFoundException', required('Images', outcome.digests));
    case 'tag-immutable':
      return new ApiError(
        'ImageTagAlreadyExistsException',
        `The image tag '${outcome.tag}' already exists in the '${name}' repository and cannot be overwritten because the tag is immutable.`,
      );
  }
}
