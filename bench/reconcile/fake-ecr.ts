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

/** What a call has in its body, as far as it is read here. */
interface Call {
  repositoryName: string;
  repositoryNames?: string[];
  maxResults?: number;
  nextToken?: string;
  imageIds?: { imageTag?: string; imageDigest?: string }[];
}

/** An exception of ECR's, as the AWS JSON protocol tells it. */
class EcrException extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

const registryId = '123456789012';

/**
 * Answers what a comparison asks of ECR: lists of images and repositories in pages, and the
 * settings of repositories that have no policies. Anything else is refused.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
 *
 * @param repositories that the mirror has
 * @param imagesOf the tags of a repository, and what they point to
 */
export async function startFakeEcr(
  repositories: readonly string[],
  imagesOf: (repository: string) => readonly [string, Digest][],
): Promise<FakeEcr> {
  const known = new Set(repositories);
  const operations: Record<string, (call: Call) => object> = {
    DescribeImages(call) {
      const { repositoryName, imageIds } = requireKnown(call);
      const images = imagesOf(repositoryName).filter(
        ([tag, digest]) =>
          imageIds === undefined ||
          imageIds.some(({ imageTag, imageDigest }) => imageTag === tag || imageDigest === digest),
      );
      const { items, ...page } = pageOf(images, call);
      const imageDetails = items.map(([tag, imageDigest]) => ({
        registryId,
        repositoryName,
        imageDigest,
        imageTags: [tag],
        imageStatus: 'ACTIVE',
      }));
      return { imageDetails, ...page };
    },
    DescribeRepositories(call) {
      for (const repositoryName of call.repositoryNames ?? []) requireKnown({ repositoryName });
      const { items, ...page } = pageOf(call.repositoryNames ?? repositories, call);
      const described = items.map((repositoryName) => ({
        registryId,
        repositoryName,
        repositoryArn: `arn:aws:ecr:eu-west-1:${registryId}:repository/${repositoryName}`,
        repositoryUri: `${registryId}.dkr.ecr.eu-west-1.amazonaws.com/${repositoryName}`,
        imageTagMutability: 'MUTABLE',
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfiguration: { encryptionType: 'AES256' },
      }));
      return { repositories: described, ...page };
    },
    GetRepositoryPolicy(call) {
      requireKnown(call);
      throw new EcrException('RepositoryPolicyNotFoundException', 'Repository policy does not exist');
    },
    GetLifecyclePolicy(call) {
      requireKnown(call);
      throw new EcrException('LifecyclePolicyNotFoundException', 'Lifecycle policy does not exist');
    },
    ListTagsForResource: () => ({ tags: [] }),
  };

  function requireKnown<T extends Pick<Call, 'repositoryName'>>(call: T): T {
    if (known.has(call.repositoryName)) return call;
    throw new EcrException(
      'RepositoryNotFoundException',
      `The repository with name '${call.repositoryName}' does not exist`,
    );
  }

  const server = createServer(async (request, response) => {
    ecr.calls += 1;
    const [, name = ''] = String(request.headers['x-amz-target']).split('.');
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(body));
    };
    try {
      const call = (await json(request)) as Call;
      const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
      if (operation === undefined)
        throw new EcrException('UnknownOperationException', `the bench's ECR has no operation “${name}”`);
      answer(200, operation(call));
    } catch (error) {
      const type = error instanceof EcrException ? error.type : 'ServerException';
      answer(error instanceof EcrException ? 400 : 500, { __type: type, message: String(error) });
    }
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

function pageOf<T>(all: readonly T[], { maxResults = 100, nextToken = '0' }: Partial<Call>) {
  const begin = Number(nextToken);
  const end = begin + maxResults;
  return { items: all.slice(begin, end), ...(end < all.length && { nextToken: String(end) }) };
}
