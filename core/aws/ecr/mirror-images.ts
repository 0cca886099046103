import {
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  type ECRClientConfig,
  type ImageDetail,
  type ImageIdentifier,
  ImageNotFoundException,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';
import { inParallel } from '../../async/in-parallel.ts';
import type { CallOptions } from '../../copy/ports.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { LossReason, MappedImage, MirrorImages } from '../../registry-events/ports.ts';
import { timeouts } from '../connection.ts';
import { called } from './call.ts';

/** Up to so many images are asked for one by one; for more, the repository is listed. */
const mostSingle = 10;
/** The most images, or repositories, in a page of a list. */
const pageSize = 1_000;

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
  constructor(config: ECRClientConfig = {}) {
    this.#ecr = new ECRClient({
      maxAttempts: 5,
      retryMode: 'adaptive',
      requestHandler: timeouts(10_000),
      ...config,
    });
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
    repository: string,
    image: ImageIdentifier,
    options: CallOptions,
  ): Promise<ImageDetail[] | undefined> {
    try {
      const { imageDetails = [] } = await this.#call(
        { repositoryName: repository, imageIds: [image] },
        options,
      );
      return imageDetails;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** All images, archived ones included. */
  async #list(repository: string, options?: CallOptions): Promise<Contents> {
    const contents: Contents = { digests: new Map(), tags: new Map() };
    let nextToken: string | undefined;
    do {
      try {
        const page = await this.#call(
          {
            repositoryName: repository,
            maxResults: pageSize,
            filter: { imageStatus: 'ANY' as const },
            ...(nextToken !== undefined && { nextToken }),
          },
          options,
        );
        for (const image of page.imageDetails ?? []) {
          if (image.imageDigest !== undefined)
            contents.digests.set(image.imageDigest, isArchived(image) ? 'archived' : 'active');
          for (const tag of image.imageTags ?? []) contents.tags.set(tag, image.imageDigest);
        }
        nextToken = page.nextToken;
      } catch (error) {
        if (!isMissing(error)) throw error;
        return { digests: new Map(), tags: new Map() };
      }
    } while (nextToken !== undefined);
    return contents;
  }

  #call(input: ConstructorParameters<typeof DescribeImagesCommand>[0], options?: CallOptions) {
    return called(
      { operation: 'DescribeImages', registry: `${input.repositoryName}` },
      () => this.#ecr.send(new DescribeImagesCommand(input), { abortSignal: options?.signal }),
      options,
    );
  }
}

/** Archived, or on its way back: pulls get 404 until it is active again. */
function isArchived({ imageStatus }: ImageDetail): boolean {
  return imageStatus === 'ARCHIVED' || imageStatus === 'ACTIVATING';
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof RegistryError &&
    (error.cause instanceof ImageNotFoundException || error.cause instanceof RepositoryNotFoundException)
  );
}
