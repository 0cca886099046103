import type { World } from './world.ts';

const attempts = 8;

/**
 * Deletes an image that is mapped from the mirror, as somebody at the console does.
 *
 * @param share which of the mappings, 0 to below 1
 * @returns whether there was one that could be deleted, and how many requests that took
 */
export async function deleteImage(
  world: World,
  share: number,
): Promise<{ isDeleted: boolean; requests: number }> {
  const mapped = [];
  for await (const each of world.stores.mappings.all()) mapped.push(each.mapping);
  const chosen = mapped[Math.floor(share * mapped.length)];
  if (chosen === undefined) return { isDeleted: false, requests: 0 };
  for (let requests = 1; requests <= attempts; requests += 1) {
    const answer = await callEcr(world, 'BatchDeleteImage', {
      repositoryName: chosen.mirrorRepository,
      imageIds: [{ imageDigest: chosen.digest }],
    });
    // The mirror has faults of its own.
    if (answer) return { isDeleted: (answer as { imageIds: unknown[] }).imageIds.length > 0, requests };
  }
  return { isDeleted: false, requests: attempts };
}

/** The digests of all images of a mirror repository. */
export async function listImages(world: World, repositoryName: string): Promise<string[]> {
  const answer = await callEcr(world, 'ListImages', { repositoryName, maxResults: 1_000 });
  const { imageIds, nextToken } = (answer ?? {}) as {
    imageIds?: { imageDigest: string }[];
    nextToken?: string;
  };
  if (imageIds === undefined || nextToken !== undefined)
    throw new Error(`the images of ${repositoryName} could not be listed`);
  return imageIds.map(({ imageDigest }) => imageDigest);
}

export async function callEcr({ mirror }: World, operation: string, input: object): Promise<unknown> {
  try {
    const answer = await fetch(mirror.endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `AmazonEC2ContainerRegistry_V20150921.${operation}`,
        authorization: 'AWS4-HMAC-SHA256 Credential=console/20260101/eu-west-1/ecr/aws4_request',
      },
      body: JSON.stringify(input),
    });
    const text = await answer.text();
    return answer.ok ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}
