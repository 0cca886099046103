import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Digest } from '../../core/oci/digest.ts';

/** ECR's API, as far as a comparison asks it: what the mirror's repositories hold. */
export interface FakeEcr extends AsyncDisposable {
  endpoint: string;
  /** Calls so far. */
  calls: number;
}

/**
 * Answers DescribeImages in pages
 * (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html).
 *
 * @param imagesOf the tags of a repository, and what they point to
 */
export async function startFakeEcr(
  imagesOf: (repository: string) => readonly [string, Digest][],
): Promise<FakeEcr> {
  const server = createServer(async (request, response) => {
    ecr.calls += 1;
    const body = (await json(request)) as {
      repositoryName: string;
      maxResults?: number;
      nextToken?: string;
      imageIds?: { imageTag?: string; imageDigest?: string }[];
    };
    const { repositoryName, maxResults = 100, nextToken = '0', imageIds } = body;
    const all = imagesOf(repositoryName).filter(
      ([tag, digest]) =>
        imageIds === undefined ||
        imageIds.some(({ imageTag, imageDigest }) => imageTag === tag || imageDigest === digest),
    );
    const begin = Number(nextToken);
    const end = begin + maxResults;
    const imageDetails = all.slice(begin, end).map(([tag, imageDigest]) => ({
      registryId: '123456789012',
      repositoryName,
      imageDigest,
      imageTags: [tag],
      imageStatus: 'ACTIVE',
    }));
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify({ imageDetails, ...(end < all.length && { nextToken: String(end) }) }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const ecr: FakeEcr = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
  return ecr;
}
