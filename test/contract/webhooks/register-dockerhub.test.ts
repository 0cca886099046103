import { describe, expect, it } from 'vitest';
import { UpstreamClient } from '../../../cli/webhooks/register/client.ts';
import { dockerhub } from '../../../cli/webhooks/register/dockerhub.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { type ApiCase, enter, failure, registrarContract } from './registrar-contract.ts';
import { presented, secret, token } from './upstream.ts';

const webhook = presented('dockerhub', 'path-token', { registry: 'docker.io' });
const path = '/v2/repositories/acme/shop/webhook_pipeline/';
const created = {
  name: 'drayage-dockerhub',
  expect_final_callback: false,
  webhooks: [{ name: 'drayage-dockerhub', hook_url: webhook.url }],
};
const login = {
  request: 'POST /v2/auth/token',
  headers: { authorization: null },
  body: JSON.stringify({ identifier: 'jo', secret: token }),
  answer: { status: 200, body: { access_token: 'minted-for-jo' } },
};
const page = (results: object[], next: string | null = null) => ({
  status: 200,
  body: { count: results.length, next, previous: null, results },
});

const api: ApiCase = {
  registrar: dockerhub,
  webhook,
  place: 'acme/shop',
  user: 'jo',
  login: [login],
  headers: { authorization: 'Bearer minted-for-jo' },
  look: (hooks) => [{ request: `GET ${path}?page_size=100`, answer: page(hooks) }],
  hook: (url, id) => ({
    name: `hook ${id}`,
    slug: `hook-${id}`,
    webhooks: [{ name: 'hook', hook_url: url }],
  }),
  create: { request: `POST ${path}`, answer: { status: 201, body: created } },
  created,
  again: { outcome: 'unchanged', steps: [] },
  outdated: [
    { request: `DELETE ${path}hook-7/`, answer: { status: 204 } },
    { request: `POST ${path}`, body: JSON.stringify(created), answer: { status: 201, body: created } },
  ],
};

describe('register at Docker Hub', () => {
  registrarContract(api);

  it('hides the token that its login returned', async () => {
    const answer = { status: 403, body: { detail: 'no minted-for-jo here' } };
    const server = await startScriptedServer([login, { request: `GET ${path}?page_size=100`, answer }]);
    const { message, remedy } = await failure(api, server);
    expect(message).toMatch(/answered 403: “no REDACTED here”$/);
    expect(remedy).toContain('Read, Write, Delete');
  });

  it('removes outdated webhooks beside the current one, on all pages', async () => {
    const server = await startScriptedServer([login]);
    server.expect(
      {
        request: `GET ${path}?page_size=100`,
        answer: page([api.hook(webhook.url, 1)], `${server.origin}${path}?page=2`),
      },
      { request: `GET ${path}?page=2`, answer: page([api.hook(webhook.url.replace(secret, 'old'), 2)]) },
      { request: `DELETE ${path}hook-2/`, answer: { status: 204 } },
    );
    expect(await enter(api, server)).toEqual([{ place: 'acme/shop', outcome: 'updated' }]);
  });

  it('deletes nothing but a hook, whatever its name claims to be', async () => {
    const old = { ...api.hook(webhook.url.replace(secret, 'old'), 2), slug: '..' };
    const server = await startScriptedServer([
      login,
      { request: `GET ${path}?page_size=100`, answer: page([old]) },
    ]);
    expect((await failure(api, server)).message).toContain('contains an invalid name');
  });

  it('finds the repositories that rules with wildcards match', async () => {
    const list = '/v2/namespaces/acme/repositories';
    const server = await startScriptedServer();
    server.expect(
      {
        request: `GET ${list}?page_size=100`,
        answer: page([{ name: 'shop' }, { name: 'web' }], `${server.origin}${list}?page=2`),
      },
      { request: `GET ${list}?page=2`, answer: page([{ name: 'shop-2' }]) },
    );
    const client = new UpstreamClient(server.origin, []);
    const rules = { ...webhook, repositories: ['acme/shop*', 'acme/s*2', 'other/app'] };
    expect(await dockerhub.places(rules, client)).toEqual(['acme/shop', 'acme/shop-2', 'other/app']);
  });

  it('says what is missing', async () => {
    const server = await startScriptedServer();
    await expect(enter({ ...api, user: undefined } as never, server)).rejects.toThrow(/--user/);
    const client = new UpstreamClient(server.origin, []);
    await expect(dockerhub.plan('acme', webhook, client)).rejects.toThrow(/write NAMESPACE\/REPOSITORY/);
    await expect(dockerhub.places({ ...webhook, repositories: ['**'] }, client)).rejects.toThrow(/--at/);
  });
});
