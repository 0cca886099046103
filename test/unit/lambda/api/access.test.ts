import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { describe, expect, it, vi } from 'vitest';
import { deriveSecret } from '../../../../core/webhooks/secrets/secrets.ts';
import { ApiDeployment } from '../../../../lambda/api/api-deployment.ts';
import { createHandler, routes } from '../../../../lambda/api/handler.ts';
import { operations } from '../../../../lambda/api/openapi/operations.ts';
import { logger } from '../../../../lambda/shared/telemetry.ts';
import { configOf, withUpstream } from '../../mirror-yaml/config-text.ts';

const root = 'root';
const operator = deriveSecret(root, 'token:operator');
const reader = deriveSecret(root, 'token:reader');
type Reads = 'token' | 'iam' | 'none';

/** A deployment whose stores all fail: a request that comes that far was let in. */
class Guarded extends ApiDeployment {
  readonly #reads: Reads;
  constructor(reads: Reads) {
    super({ DRAYAGE_API_SECRET: 'api' });
    this.#reads = reads;
  }
  override get config() {
    const config = configOf(withUpstream('  - { registry: ghcr.io, repositories: [{ match: "acme/**" }] }'));
    return { ...config, api: { ...config.api, reads: this.#reads } };
  }
  override get secrets() {
    const read = async () => ({ root });
    return { read, readField: async () => root, readFields: read } as unknown as ApiDeployment['secrets'];
  }
}

const handlers = {
  token: createHandler(new Guarded('token')),
  iam: createHandler(new Guarded('iam')),
  none: createHandler(new Guarded('none')),
};
const context = { functionName: 'test', awsRequestId: '1' } as Context;

async function statusOf(
  reads: Reads,
  { method, path }: { method: string; path: string },
  authorization: string | undefined,
  isSigned = false,
): Promise<number> {
  vi.spyOn(logger, 'error').mockImplementation(() => {});
  const event = {
    rawPath: path,
    rawQueryString: '',
    headers: authorization === undefined ? {} : { authorization },
    requestContext: {
      stage: '$default',
      domainName: 'api.example',
      http: { method },
      ...(isSigned && { authorizer: { iam: { userArn: 'arn:aws:iam::111122223333:user/reader' } } }),
    },
  } as unknown as APIGatewayProxyEventV2;
  const { statusCode } = (await handlers[reads](event, context)) as { statusCode: number };
  return statusCode;
}

/** What each caller gets from a route of each kind: let in, or refused with a status. */
const matrix: {
  reads: Reads;
  caller: string;
  authorization?: string;
  isSigned?: boolean;
  read: 'in' | 401 | 403;
  write: 'in' | 401 | 403;
}[] = [
  { reads: 'token', caller: 'nobody', read: 401, write: 401 },
  { reads: 'token', caller: 'a wrong token', authorization: 'Bearer wrong', read: 401, write: 401 },
  { reads: 'token', caller: 'another scheme', authorization: `Basic ${operator}`, read: 401, write: 401 },
  { reads: 'token', caller: 'the reader', authorization: `Bearer ${reader}`, read: 'in', write: 403 },
  { reads: 'token', caller: 'the operator', authorization: `Bearer ${operator}`, read: 'in', write: 'in' },
  { reads: 'token', caller: 'a signed caller', isSigned: true, read: 401, write: 401 },
  { reads: 'iam', caller: 'nobody', read: 401, write: 401 },
  { reads: 'iam', caller: 'a signed caller', isSigned: true, read: 'in', write: 401 },
  { reads: 'iam', caller: 'the reader', authorization: `Bearer ${reader}`, read: 'in', write: 403 },
  { reads: 'iam', caller: 'the operator', authorization: `Bearer ${operator}`, read: 'in', write: 'in' },
  { reads: 'none', caller: 'nobody', read: 'in', write: 401 },
  { reads: 'none', caller: 'a wrong token', authorization: 'Bearer wrong', read: 'in', write: 401 },
  { reads: 'none', caller: 'the reader', authorization: `Bearer ${reader}`, read: 'in', write: 403 },
  { reads: 'none', caller: 'the operator', authorization: `Bearer ${operator}`, read: 'in', write: 'in' },
];

const examples = operations.map(({ method, path, access }) => ({
  method: method.toUpperCase(),
  path: path.replaceAll(/\{\w+\}/g, 'x'),
  access,
}));

describe('who may use which route', () => {
  it('is asked of every route', () => {
    expect(examples).toHaveLength(routes.length);
  });

  describe.each(matrix)('reads: $reads, $caller', ({ reads, authorization, isSigned, ...expected }) => {
    it.each(examples)('$method $path', async ({ access, ...route }) => {
      const status = await statusOf(reads, route, authorization, isSigned);
      const wanted = access === 'open' ? 'in' : expected[access];
      if (wanted === 'in') expect([401, 403]).not.toContain(status);
      else expect(status).toBe(wanted);
    });
  });

  it.each(examples.filter(({ method }) => method === 'GET'))('HEAD $path is what GET is', async (route) => {
    for (const authorization of [undefined, `Bearer ${reader}`]) {
      const [get, head] = [route, { ...route, method: 'HEAD' }];
      expect(await statusOf('token', head, authorization)).toBe(await statusOf('token', get, authorization));
    }
  });
});
