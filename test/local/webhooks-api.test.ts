import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import { githubHeaders, githubPayload, type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';
import { configOf } from '../unit/mirror-yaml/config-text.ts';

const image = seededImage({ seed: 'webhooks api', layers: [{ size: 500 }] });

describe('the webhooks of the API', () => {
  let pipeline: Pipeline;
  let operator: Record<string, string>;
  let reader: Record<string, string>;
  beforeAll(async () => {
    pipeline = await startPipeline({ auth: true });
    const { tokens } = pipeline.stack.ready;
    operator = { authorization: `Bearer ${tokens?.operator}` };
    reader = { authorization: `Bearer ${tokens?.reader}` };
    await pipeline.push('acme/app', '1', image);
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const list = async (headers: Record<string, string>) => {
    const answer = await fetch(`${pipeline.api}/v1/webhooks`, { headers });
    expect(answer.status).toBe(200);
    const { webhooks } = (await answer.json()) as { webhooks: PresentedWebhook[] };
    return new Map(webhooks.map((webhook) => [webhook.name, webhook]));
  };
  const rotate = (name: string, body?: unknown, headers = operator) =>
    pipeline.post(`/v1/webhooks/${name}/rotate`, body ?? '', headers);
  const deliver = (secret: string) => {
    const body = JSON.stringify(githubPayload('acme/app', '1'));
    return pipeline.post('/webhooks/github', body, githubHeaders(body, secret));
  };

  it('tells the operator what to enter where', async () => {
    const webhooks = await list(operator);
    const { ready } = pipeline.stack;
    expect([...webhooks.keys()]).toEqual(['github', 'hub', 'distribution']);
    expect(webhooks.get('github')).toMatchObject({
      registry: 'ghcr.io',
      source: 'github',
      url: ready.webhooks.github?.url,
      secret: ready.webhooks.github?.secret,
      authentication: { kind: 'hmac', header: 'X-Hub-Signature-256' },
      repositories: ['acme/filtered', 'acme/**'],
    });
    expect(webhooks.get('github')?.steps.join('\n')).toContain(ready.webhooks.github?.secret);
    expect(webhooks.get('hub')).toMatchObject({ url: ready.webhooks.hub?.url });
    expect(webhooks.get('hub')?.secret).toBeUndefined();
  });

  it('shows a reader no secret', async () => {
    const { ready } = pipeline.stack;
    const text = JSON.stringify([...(await list(reader)).values()]);
    expect(text).not.toContain(ready.webhooks.github?.secret);
    expect(text).not.toContain(ready.webhooks.hub?.url);
    expect((await list(reader)).get('hub')?.url).toBe(`${pipeline.api}/webhooks/hub/…`);
  });

  it('needs a token, and the operator’s to rotate', async () => {
    expect((await pipeline.get('/v1/webhooks')).status).toBe(401);
    expect((await rotate('github', undefined, {})).status).toBe(401);
    expect((await rotate('github', undefined, reader)).status).toBe(403);
    expect((await rotate('none')).status).toBe(404);
    for (const keepSeconds of [-1, 1.5, '60', 604_801, null])
      expect((await rotate('github', { keepSeconds })).status).toBe(400);
  });

  it('shows whether something came, and what was refused', async () => {
    expect((await list(reader)).get('github')).not.toHaveProperty('deliveredAt');
    expect((await deliver('wrong')).status).toBe(401);
    expect((await list(reader)).get('github')).toMatchObject({ refusedFor: 'not_authentic' });
    expect((await deliver(pipeline.stack.ready.webhooks.github?.secret ?? '')).status).toBe(202);
    const { deliveredAt, acceptedAt } = (await list(reader)).get('github') ?? {};
    expect(Date.parse(acceptedAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect(deliveredAt).toBe(acceptedAt);
    // A token in the path that does not fit is a 404, whatever the name: nothing is recorded.
    expect((await pipeline.post('/webhooks/hub/wrong', {})).status).toBe(404);
    expect((await list(reader)).get('hub')).not.toHaveProperty('refusedAt');
  });

  it('rotates: the new secret counts at once, and the old one for a day', async () => {
    const before = (await list(operator)).get('github')?.secret ?? '';
    const answer = await rotate('github');
    expect(answer.status).toBe(200);
    const rotated = (await answer.json()) as PresentedWebhook;
    expect(rotated.secret).toMatch(/^[\w-]{43}$/);
    expect(rotated.secret).not.toBe(before);
    expect(Date.parse(rotated.retiredUntil ?? '')).toBeGreaterThan(Date.now() + 86_390_000);
    expect((await list(operator)).get('github')).toMatchObject({ secret: rotated.secret });
    expect((await deliver(rotated.secret ?? '')).status).toBe(202);
    expect((await deliver(before)).status).toBe(202);
    expect((await deliver('wrong')).status).toBe(401);
  });

  it('drops the old secret at once if it leaked', async () => {
    const before = (await list(operator)).get('hub')?.url ?? '';
    const { url } = (await (await rotate('hub', { keepSeconds: 0 })).json()) as PresentedWebhook;
    const body = { push_data: { tag: '1' }, repository: { repo_name: 'library/app' } };
    const post = (to: string) => pipeline.post(new URL(to).pathname, body);
    expect((await post(url)).status).toBe(202);
    // What an instance knows of matching secrets is at most minutes old: here it was read again for
    // the new one.
    expect((await post(before)).status).toBe(404);
  });

  it('logs no secret', () => {
    for (const secret of [...Object.values(pipeline.stack.ready.webhooks)]) {
      if (secret.secret !== undefined) expect(pipeline.logs()).not.toContain(secret.secret);
      const token = new URL(secret.url).pathname.split('/')[3];
      if (token !== undefined) expect(pipeline.logs()).not.toContain(token);
    }
  });
});

describe('a handshake', () => {
  it('comes without proof, so it is not a delivery', async () => {
    const config = configOf(`
version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: acme.azurecr.io
    webhook: { source: acr }
    repositories: [{ match: "**" }]
`);
    await using pipeline = await startPipeline({ config });
    const asked = await fetch(`${pipeline.api}/webhooks/acr`, {
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': 'eventgrid.azure.net' },
    });
    expect(asked.status).toBe(200);
    const { webhooks } = (await (await pipeline.get('/v1/webhooks')).json()) as { webhooks: object[] };
    expect(webhooks[0]).not.toHaveProperty('deliveredAt');
  });
});
