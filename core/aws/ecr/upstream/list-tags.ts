import { type ECRClient, ListImagesCommand, RepositoryNotFoundException } from '@aws-sdk/client-ecr';
import type { CallOptions } from '../../../copy/ports.ts';
import { isDigest } from '../../../oci/digest.ts';
import { isTag } from '../../../oci/reference.ts';
import { RegistryError, type Side } from '../../../registry/errors.ts';
import type { EcrHost } from '../../../registry/known-registries.ts';
import { maxItems } from '../../../registry/operations/lists/lists.ts';
import type { ListedTag } from '../../../registry/operations/lists/tags.ts';
import { called } from '../call.ts';

/** The most tags in a page. */
const pageSize = 1_000;

/**
 * The tags of an ECR registry with their digests, by ListImages: a thousand at a time, and without
 * counting as pulls. Tags of archived images are left out, since they can't be pulled.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImages.html
 */
export class EcrTags {
  readonly #ecr: ECRClient;
  readonly #host: EcrHost;
  readonly #side: Side;

  constructor(ecr: ECRClient, host: EcrHost, side: Side) {
    this.#ecr = ecr;
    this.#host = host;
    this.#side = side;
  }

  /**
   * All tags of a repository, page by page as they are read.
   *
   * @throws RegistryError from the API; NAME_UNKNOWN for an unknown repository
   */
  async *list(repository: string, { signal }: CallOptions = {}): AsyncGenerator<ListedTag> {
    const { registry } = this.#host;
    // Another account's repositories can be listed if they allow it.
    const [account = ''] = /^\d{12}(?=\.)/.exec(registry) ?? [];
    let left = maxItems;
    let nextToken: string | undefined;
    do {
      const input = {
        ...(account !== '' && { registryId: account }),
        repositoryName: repository,
        filter: { tagStatus: 'TAGGED' as const },
        maxResults: pageSize,
        ...(nextToken !== undefined && { nextToken }),
      };
      const page = await this.#call(repository, () =>
        called(
          { operation: 'ListImages', registry: `${registry}/${repository}`, side: this.#side },
          () => this.#ecr.send(new ListImagesCommand(input), { abortSignal: signal }),
          { signal },
        ),
      );
      for (const { imageTag, imageDigest } of page.imageIds ?? []) {
        if (imageTag === undefined || !isTag(imageTag)) continue;
        left -= 1;
        if (left < 0) throw this.#error(repository, 'ANSWER_TOO_LARGE', `more than ${maxItems} tags`);
        yield isDigest(imageDigest) ? { tag: imageTag, digest: imageDigest } : { tag: imageTag };
      }
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
  }

  async #call<T>(repository: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RegistryError && error.cause instanceof RepositoryNotFoundException))
        throw error;
      throw this.#error(repository, 'NAME_UNKNOWN', error.reason, 404);
    }
  }

  #error(repository: string, code: string, reason: string, status?: number): RegistryError {
    const context = {
      side: this.#side,
      registry: this.#host.registry,
      operation: 'list tags of',
      repository,
    };
    return new RegistryError(context, { code, reason, status });
  }
}
