import {
  DescribeRepositoriesCommand,
  type ECRClient,
  type ImageDetail,
  type ImageIdentifier,
} from '@aws-sdk/client-ecr';
import { inParallel } from '../../async/in-parallel.ts';
import type { CallOptions } from '../../copy/ports.ts';
import type { LossReason, MappedImage, MirrorImages } from '../../registry-events/ports.ts';
import { called, type EcrClientConfig, ecrClient } from './call.ts';
import { describeImages, listImages, pageSize } from './describe-images.ts';

/** Up to so many images are asked for one by one; for more, the repository is listed. */
const mostSingle = 10;

/** What a repository holds, as far as pulls are concerned. */
interface Contents {
  /** Whether each digest can be pulled. */
  digests: Map<string, 'active' | 'archived'>;
  /** What each tag points to; undefined if the answer does not tell. */
  tags: Map<string, string | undefined>;
}

/**
 * Looks at the images of an ECR registry with DescribeImages. That does not count as a pull
 * (`lastRecordedPullTime`), as a request over the registry protocol would: lifecycle policies that
 * archive what nobody pulls are not misled.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
 */
export class EcrMirrorImages implements MirrorImages {
  readonly #ecr: ECRClient;

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(config: EcrClientConfig = {}) {
    this.#ecr = ecrClient(config);
  }

  async losses(
    repository: string,
    images: MappedImage[],
    options?: CallOptions,
  ): Promise<(LossReason | undefined)[]> {
    if (images.length <= mostSingle)
      return await inParallel(
        images,
        mostSingle,
        (image, signal) => this.#lossOf(repository, image, { signal }),
        options?.signal,
      );
    const { digests, tags } = await this.#list(repository, options);
    return images.map(({ digest, tag }) => {
      const found = digests.get(digest);
      if (found !== 'active') return found ?? 'deleted';
      return tag === undefined || tags.has(tag) ? undefined : 'untagged';
    });
  }

  /** What the tags of a repository point to; empty if there is no such repository. */
  async tags(repository: string, options?: CallOptions): Promise<Map<string, string | undefined>> {
    return (await this.#list(repository, options)).tags;
  }

  /**
   * The names of the repositories below a prefix. ECR lists only all of a registry's, so the caller
   * needs `ecr:DescribeRepositories` for all of them.
   * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html
   */
  async *repositories(prefix: string, options?: CallOptions): AsyncGenerator<string> {
    let nextToken: string | undefined;
    do {
      const input = { maxResults: pageSize, ...(nextToken !== undefined && { nextToken }) };
      const page = await called(
        { operation: 'DescribeRepositories', registry: `${prefix}/*` },
        () => this.#ecr.send(new DescribeRepositoriesCommand(input), { abortSignal: options?.signal }),
        options,
      );
      for (const { repositoryName = '' } of page.repositories ?? [])
        if (repositoryName.startsWith(`${prefix}/`)) yield repositoryName;
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
  }

  close(): void {
    this.#ecr.destroy();
  }

  async #lossOf(
    repository: string,
    { digest, tag }: MappedImage,
    options: CallOptions,
  ): Promise<LossReason | undefined> {
    const details = await this.#describe(repository, { imageDigest: digest }, options);
    if (details === undefined) return 'deleted';
    const [image] = details;
    // By default, DescribeImages leaves out what is not active.
    if (image === undefined || isArchived(image)) return 'archived';
    if (tag === undefined || image.imageTags?.includes(tag)) return undefined;
    // Only a tag that does not exist at all is lost.
    return (await this.#describe(repository, { imageTag: tag }, options)) === undefined
      ? 'untagged'
      : undefined;
  }

  /** One image; undefined if the repository, or the image, does not exist. */
  async #describe(
    repositoryName: string,
    image: ImageIdentifier,
    options: CallOptions,
  ): Promise<ImageDetail[] | undefined> {
    const page = await describeImages(this.#ecr, { repositoryName, imageIds: [image] }, options);
    return page && (page.imageDetails ?? []);
  }

  async #list(repository: string, options?: CallOptions): Promise<Contents> {
    const pick = (image: ImageDetail) => [
      { digest: image.imageDigest, tags: image.imageTags ?? [], isArchived: isArchived(image) },
    ];
    const contents: Contents = { digests: new Map(), tags: new Map() };
    for (const { digest, tags, isArchived } of await listImages(this.#ecr, repository, pick, options)) {
      if (digest !== undefined) contents.digests.set(digest, isArchived ? 'archived' : 'active');
      for (const tag of tags) contents.tags.set(tag, digest);
    }
    return contents;
  }
}

/** Archived, or on its way back: pulls get 404 until it is active again. */
function isArchived({ imageStatus }: ImageDetail): boolean {
  return imageStatus === 'ARCHIVED' || imageStatus === 'ACTIVATING';
}
