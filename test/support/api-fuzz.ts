import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { ApiDeployment } from '../../lambda/api/api-deployment.ts';
import { createHandler } from '../../lambda/api/handler.ts';

/** One request to the API's handler. */
export interface FuzzedRequest {
  method: 'GET' | 'POST';
  path: string;
  /** As it stands after the question mark. */
  query?: string;
  body?: string | Uint8Array;
}

export interface FuzzedAnswer {
  status: number;
  body: unknown;
}

const context = { functionName: 'api', awsRequestId: '1' } as Context;

/** Sends requests to the handler, as API Gateway would, and checks that each answer is definite. */
export function fuzzedApi(deployment: ApiDeployment): (request: FuzzedRequest) => Promise<FuzzedAnswer> {
  const handler = createHandler(deployment);
  return async ({ method, path, query = '', body }) => {
    const event = {
      rawPath: path,
      rawQueryString: query,
      headers: { 'x-forwarded-proto': 'http' },
      requestContext: { stage: '$default', domainName: 'localhost', http: { method } },
      ...(typeof body === 'string' && { body }),
      ...(body instanceof Uint8Array && { body: Buffer.from(body).toString('base64') }),
      isBase64Encoded: body instanceof Uint8Array,
    } as unknown as APIGatewayProxyEventV2;
    const answer = (await handler(event, context)) as {
      statusCode: number;
      headers: Record<string, string>;
      body: string;
    };
    // The status page is the only answer for people.
    const isPage = path === '/' && answer.headers['content-type']?.startsWith('text/html');
    const said: unknown = isPage ? answer.body : JSON.parse(answer.body);
    expect(answer.statusCode, answer.body).toBeGreaterThanOrEqual(200);
    expect(answer.statusCode, answer.body).toBeLessThan(500);
    if (answer.statusCode >= 400) {
      const error = { code: expect.stringMatching(/^[a-z_]+$/), message: expect.stringMatching(/\S/) };
      expect(said).toEqual({ error });
    }
    return { status: answer.statusCode, body: said };
  };
}

const digestLike = fc.oneof(
  fc
    .constantFrom('sha256:', 'sha512:', 'md5:', 'SHA256:', '')
    .chain((algorithm) => fc.nat(130).map((length) => algorithm + 'a'.repeat(length))),
  fc.string(),
);
const part = fc.oneof(
  fc.constantFrom(
    'nginx',
    'library',
    'acme',
    'UPPER',
    '..',
    '.',
    '',
    'a__b',
    'a___b',
    '-',
    'localhost',
    '[::1]',
    '%00',
  ),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
);

/** Image references, and what resembles them. */
export const referenceLike = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.stringMatching(/^([a-z]{1,5}\.io\/)?[a-z0-9]{1,8}(\/[a-z]{1,4})?(:[\w.-]{1,9})?$/),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('nginx', 'docker.io/library/nginx', `nginx@sha256:${'a'.repeat(64)}`),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          '',
          'ghcr.io/',
          'docker.io/',
          'localhost:5000/',
          'https://',
          'a.b:99999999/',
          '@',
          ':',
        ),
        fc.array(part, { maxLength: 4 }).map((parts) => parts.join('/')),
        fc.oneof(
          fc.constant(''),
          part.map((tag) => `:${tag}`),
        ),
        fc.oneof(
          fc.constant(''),
          digestLike.map((digest) => `@${digest}`),
        ),
      )
      .map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.nat(3_000).map((length) => 'a/'.repeat(length)) },
);

const jsonText = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Cursors of lists of mappings and of jobs, and what resembles them. */
export const cursorLike = fc.oneof(
  fc.json().map((text) => Buffer.from(text).toString('base64url')),
  fc.array(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.nat()), { maxLength: 3 }).map(jsonText),
  fc.tuple(referenceLike, referenceLike).map(jsonText),
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^[0-9a-z]{26}$/),
  fc.constantFrom('7zzzzzzzzzzzzzzzzzzzzzzzzz', '00000000000000000000000000', ''),
);

/** Names of fields, with values of the right or of any other type. */
const fields = fc.record(
  {
    images: fc.oneof(fc.array(fc.oneof(referenceLike, fc.jsonValue()), { maxLength: 5 }), fc.jsonValue()),
    image: fc.oneof(referenceLike, fc.jsonValue()),
    digest: fc.oneof(digestLike, fc.jsonValue()),
    region: fc.oneof(fc.constantFrom('eu-west-1', '', '../'), fc.jsonValue()),
    keepSeconds: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
    toString: fc.jsonValue(),
  },
  { requiredKeys: [] },
);

/** Fields as requests have them, with values that may be wrong. */
const rightFields = fc.oneof(
  fc.record({ images: fc.array(referenceLike, { maxLength: 5 }) }),
  fc.record({ image: referenceLike }),
  fc.record({ image: referenceLike, digest: digestLike }),
);

/** Bodies of requests, from almost right to bytes that are not even text. */
export const bodyLike: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 3, arbitrary: rightFields.map((value) => JSON.stringify(value)) },
  { weight: 3, arbitrary: fields.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  { weight: 1, arbitrary: fc.nat(400).map((depth) => '['.repeat(depth)) },
);
