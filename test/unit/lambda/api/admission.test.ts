import { setTimeout as sleep } from 'node:timers/promises';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AdmissionAnswer } from '../../../../core/admission/review.ts';
import type { MappingStore } from '../../../../core/mapping/store.ts';
import { deriveSecret } from '../../../../core/webhooks/secrets/secrets.ts';
import { ApiDeployment } from '../../../../lambda/api/api-deployment.ts';
import { createHandler } from '../../../../lambda/api/handler.ts';
import { logger } from '../../../../lambda/shared/telemetry.ts';
import { reviewOf } from '../../admission/reviews.ts';
import { configOf, withUpstream } from '../../mirror-yaml/config-text.ts';

const token = deriveSecret('root', 'admission');
const earlier = deriveSecret('previous', 'admission');
const pod = {
  metadata: { name: 'shop' },
  spec: { containers: [{ name: 'shop', image: 'ghcr.io/acme/shop:1.0' }] },
};
const refuses = async (): Promise<never> => {
  throw new Error('the service is away');
};
const hangs = () => new Promise<never>(() => {});

/** A deployment whose services fail, unless it is told what they answer. */
class Failing extends ApiDeployment {
  readonly #read: () => Promise<Record<string, unknown>>;
  readonly #table: () => Promise<never>;
  constructor(table = refuses, read = async () => ({ root: 'root', previousRoot: 'previous' }) as object) {
    super({ DRAYAGE_API_SECRET: 'api', DRAYAGE_WEBHOOK_SECRET: 'webhooks' });
    this.#table = table;
    this.#read = read as () => Promise<Record<string, unknown>>;
  }
  override get config() {
    return configOf(withUpstream('  - { registry: ghcr.io, repositories: [{ match: "acme/**" }] }'));
  }
  override get secrets() {
    const readField = async (_: string, field: string) => (await this.#read())[field];
    return { read: this.#read, readField } as unknown as ApiDeployment['secrets'];
  }
  override get mappings() {
    return { readMany: this.#table, registryHosts: this.#table } as unknown as MappingStore;
  }
}

const context = { functionName: 'test', awsRequestId: '1' } as Context;

async function post(deployment: ApiDeployment, path: string, body: unknown, query = '') {
  const event = {
    rawPath: path,
    rawQueryString: query,
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    requestContext: { stage: '$default', domainName: 'api.example', http: { method: 'POST' } },
  } as unknown as APIGatewayProxyEventV2;
  const answer = (await createHandler(deployment)(event, context)) as { statusCode: number; body: string };
  return { status: answer.statusCode, text: answer.body, body: JSON.parse(answer.body) as AdmissionAnswer };
}

describe('the route of the admission webhook', () => {
  let logged: string[];
  beforeEach(() => {
    logged = [];
    for (const level of ['info', 'warn', 'error', 'debug'] as const)
      vi.spyOn(logger, level).mockImplementation((...all: unknown[]) => {
        logged.push(JSON.stringify(all, (_, value) => (value instanceof Error ? value.stack : value)));
      });
  });
  afterEach(() => {
    expect(logged.join('\n')).not.toContain(token);
    expect(logged.join('\n')).not.toContain(earlier);
  });

  it.each(['keep', 'warn', 'deny', 'enqueue', 'deny-tags'])(
    'lets Pods pass while the table is away, with %s',
    async (choice) => {
      const { status, body } = await post(
        new Failing(),
        `/v1/admission/${token}/${choice}`,
        reviewOf({ object: pod, uid: 'mine' }),
      );
      expect(status).toBe(200);
      expect(body).toMatchObject({ kind: 'AdmissionReview', response: { uid: 'mine', allowed: true } });
      expect(body.response.patch).toBeUndefined();
      expect(logged.join('\n')).toContain('the service is away');
    },
  );

  const slow = async () => {
    await sleep(400);
    return { root: 'root' };
  };
  it.each([
    ['the table hangs', new Failing(hangs)],
    ['the secret hangs', new Failing(refuses, hangs)],
    ['the secret is slow, and then the table hangs', new Failing(hangs, slow)],
  ])('answers before the apiserver gives up, if %s', async (_, deployment) => {
    const began = performance.now();
    const { body } = await post(
      deployment,
      `/v1/admission/${token}`,
      reviewOf({ object: pod }),
      'timeout=2s',
    );
    expect(body.response.allowed).toBe(true);
    // 500 ms, and what the machine takes.
    expect(performance.now() - began).toBeLessThan(800);
  });

  it('lets Pods pass while the secret can’t be read, and tells nothing', async () => {
    const deployment = new Failing(refuses, refuses);
    const { status, body } = await post(
      deployment,
      '/v1/admission/x',
      reviewOf({ object: pod, uid: 'mine' }),
    );
    expect(status).toBe(200);
    expect(body.response).toEqual({ uid: 'mine', allowed: true });
  });

  it('takes the token of the root before', async () => {
    expect((await post(new Failing(), `/v1/admission/${earlier}`, reviewOf({}))).status).toBe(200);
  });

  it.each([
    ['/v1/admission/wrong', 404, 'not_found'],
    ['/v1/admission/…', 404, 'not_found'],
    [`/v1/admission/${token}x`, 404, 'not_found'],
    [`/v1/admission/${token.toUpperCase()}`, 404, 'not_found'],
    [`/v1/admission/${token}/none`, 404, 'not_found'],
    ['/v1/admission/wrong/keep', 404, 'not_found'],
  ])('knows no %s', async (path, status, code) => {
    const answer = await post(new Failing(), path, reviewOf({ object: pod }));
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(code);
    expect(answer.text).not.toContain(token);
  });

  it('refuses what is no AdmissionReview, or too large', async () => {
    const [path, deployment] = [`/v1/admission/${token}`, new Failing()];
    expect((await post(deployment, path, '{')).text).toContain('invalid_review');
    expect((await post(deployment, path, {})).status).toBe(400);
    expect((await post(deployment, path, 'x'.repeat(5 * 1024 * 1024 + 1))).status).toBe(413);
    // Not told before the token is checked.
    expect((await post(deployment, '/v1/admission/x', 'x'.repeat(6 * 1024 * 1024))).status).toBe(404);
  });
});
