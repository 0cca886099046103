import {
  DescribeImagesCommand,
  type DescribeImagesCommandInput,
  type DescribeImagesCommandOutput,
  type ECRClient,
  type ImageDetail,
  ImageNotFoundException,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';
import type { CallOptions } from '../../copy/ports.ts';
import { RegistryError } from '../../registry/errors.ts';
import { called } from './call.ts';

/** The most images, or repositories, in a page of a list. */
export const pageSize = 1_000;

/**
 * DescribeImages; undefined if the repository, or one of the images, does not exist. By default,
 * ECR leaves out what is not active.
 */
export async function describeImages(
  ecr: ECRClient,
  input: DescribeImagesCommandInput,
  options?: CallOptions,
): Promise<DescribeImagesCommandOutput | undefined> {
  try {
    return await called(
      { operation: 'DescribeImages', registry: `${input.repositoryName}` },
      () => ecr.send(new DescribeImagesCommand(input), { abortSignal: options?.signal }),
      options,
    );
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * What `pick` takes of all images of a repository, archived ones included; empty if there is no
 * such repository.
 */
export async function listImages<T>(
  ecr: ECRClient,
  repositoryName: string,
  pick: (image: ImageDetail) => T[],
  options?: CallOptions,
): Promise<T[]> {
  const picked: T[] = [];
  let nextToken: string | undefined;
  do {
    const page = await describeImages(
      ecr,
      {
        repositoryName,
        maxResults: pageSize,
        filter: { imageStatus: 'ANY' },
        ...(nextToken !== undefined && { nextToken }),
      },
      options,
    );
    if (page === undefined) return [];
    picked.push(...(page.imageDetails ?? []).flatMap(pick));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return picked;
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof RegistryError &&
    (error.cause instanceof ImageNotFoundException || error.cause instanceof RepositoryNotFoundException)
  );
}
