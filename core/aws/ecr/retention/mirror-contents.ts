import {
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  type ECRClient,
  type ECRClientConfig,
  type ImageDetail,
} from '@aws-sdk/client-ecr';
import { inParallel } from '../../../async/in-parallel.ts';
import type { CallOptions } from '../../../copy/ports.ts';
import { type Digest, isDigest } from '../../../oci/digest.ts';
import { blobsOf, InvalidManifestError, parseAnyManifest } from '../../../oci/manifest.ts';
import { isIndexType } from '../../../oci/media-types.ts';
import type { HeldImage, References } from '../../../retention/plan.ts';
import type { DeletionFailure, MirrorContents } from '../../../retention/ports.ts';
import { called, ecrClient } from '../call.ts';
import { describeImages, listImages } from '../describe-images.ts';

/**
 * The most images in one request.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
 */
const batchSize = 100;
/** Requests at once that read manifests. */
const readsAtOnce = 2;

/** The images of an ECR registry, as retention sees and deletes them. */
export class EcrMirrorContents implements MirrorContents {
  readonly #ecr: ECRClient;

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(config: ECRClientConfig = {}) {
    this.#ecr = ecrClient(config);
  }

  async list(repository: string, options?: CallOptions): Promise<HeldImage[]> {
    return await listImages(this.#ecr, repository, heldImage, options);
  }

  async references(
    repository: string,
    digests: readonly Digest[],
    options?: CallOptions,
  ): Promise<Map<Digest, References>> {
    const read = await inParallel(
      batches(digests),
      readsAtOnce,
      async (batch, signal) => {
        const { images = [] } = await called(
          { operation: 'BatchGetImage', registry: repository },
          () =>
            this.#ecr.send(
              new BatchGetImageCommand({
                repositoryName: repository,
                imageIds: batch.map((imageDigest) => ({ imageDigest })),
              }),
              { abortSignal: signal },
            ),
          { signal },
        );
        return images.flatMap(({ imageId, imageManifest, imageManifestMediaType }) =>
          referencesOf(imageId?.imageDigest, imageManifest, imageManifestMediaType),
        );
      },
      options?.signal,
    );
    return new Map(read.flat());
  }

  async tagsOf(
    repository: string,
    digests: readonly Digest[],
    options?: CallOptions,
  ): Promise<Map<Digest, string[]>> {
    const tags = new Map<Digest, string[]>();
    for (const batch of batches(digests)) {
      const imageIds = batch.map((imageDigest) => ({ imageDigest }));
      const filter = { imageStatus: 'ANY' as const };
      const page = await describeImages(this.#ecr, { repositoryName: repository, imageIds, filter }, options);
      if (page === undefined) {
        // One of them is gone, and the answer does not say which: the list does.
        const wanted = new Set(digests);
        for (const image of await this.list(repository, options))
          if (wanted.has(image.digest)) tags.set(image.digest, image.tags);
        return tags;
      }
      for (const image of (page.imageDetails ?? []).flatMap(heldImage)) tags.set(image.digest, image.tags);
    }
    return tags;
  }

  /**
   * Deletes images by their digests, and so with all their tags. A manifest that a list names can't
   * be deleted: `ImageReferencedByManifestList`.
   * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageFailure.html
   */
  async remove(
    repository: string,
    digests: readonly Digest[],
    options?: CallOptions,
  ): Promise<Map<Digest, DeletionFailure>> {
    const failed = new Map<Digest, DeletionFailure>();
    for (const batch of batches(digests)) {
      const { failures = [] } = await called(
        { operation: 'BatchDeleteImage', registry: repository },
        () =>
          this.#ecr.send(
            new BatchDeleteImageCommand({
              repositoryName: repository,
              imageIds: batch.map((imageDigest) => ({ imageDigest })),
            }),
            { abortSignal: options?.signal },
          ),
        options,
      );
      for (const { imageId, failureCode = 'UNKNOWN', failureReason = '' } of failures) {
        const digest = imageId?.imageDigest;
        if (isDigest(digest) && failureCode !== 'ImageNotFound')
          failed.set(digest, { code: failureCode, reason: failureReason.slice(0, 500) });
      }
    }
    return failed;
  }

  close(): void {
    this.#ecr.destroy();
  }
}

function heldImage(image: ImageDetail): HeldImage[] {
  const { imageDigest: digest, imageTags: tags = [], imagePushedAt, imageSizeInBytes = 0 } = image;
  if (!isDigest(digest)) return [];
  const pushedAt = imagePushedAt?.getTime();
  const isIndex = isIndexType(image.imageManifestMediaType ?? '');
  return [
    { digest, tags, ...(pushedAt !== undefined && { pushedAt }), sizeBytes: imageSizeInBytes, isIndex },
  ];
}

/** Nothing for a manifest that can't be read: its image stays. */
function referencesOf(
  digest: string | undefined,
  text: string | undefined,
  mediaType: string | undefined,
): [Digest, References][] {
  if (!isDigest(digest) || text === undefined) return [];
  try {
    const bytes = Buffer.from(text);
    const manifest = parseAnyManifest(bytes, mediaType, digest);
    const children = manifest.kind === 'index' ? manifest.manifests.map((child) => child.digest) : [];
    const subject = manifest.subject?.digest;
    return [[digest, { children, subject, blobs: blobsOf(manifest), bytes: bytes.byteLength }]];
  } catch (error) {
    if (error instanceof InvalidManifestError) return [];
    throw error;
  }
}

function batches(digests: readonly Digest[]): Digest[][] {
  const count = Math.ceil(digests.length / batchSize);
  return Array.from({ length: count }, (_, at) =>
    digests.slice(at * batchSize, (at + 1) * batchSize),
  ) as Digest[][];
}
