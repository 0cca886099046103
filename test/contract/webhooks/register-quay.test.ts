import { describe, expect, it } from 'vitest';
import { UpstreamClient } from '../../../cli/webhooks/register/client.ts';
import { quay } from '../../../cli/webhooks/register/quay.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { type ApiCase, enter, registrarContract } from './registrar-contract.ts';
import { presented, token } from './upstream.ts';

const webhook = presented('quay', 'path-token', { registry: 'quay.io' });
const path = '/api/v1/repository/acme/shop/notification/';
const created = {
  event: 'repo_push',
  method: 'webhook',
  config: { url: webhook.url },
  eventConfig: {},
  title: 'drayage-quay',
};

const api: ApiCase = {
  registrar: quay,
  webhook,
  place: 'acme/shop',
  headers: { authorization: `Bearer ${token}` },
  look: (hooks) => [{ request: `GET ${path}`, answer: { status: 200, body: { notifications: hooks } } }],
  hook: (url, id) => ({
    id,
    uuid: `uuid-${id}`,
    title: 'hook',
    event: 'repo_push',
    method: 'webhook',
    config: { url },
    event_config: {},
    number_of_failures: 0,
  }),
  create: { request: `POST ${path}`, answer: { status: 201, body: {} } },
  created,
  again: { outcome: 'unchanged', steps: [] },
  outdated: [
    { request: `POST ${path}`, body: JSON.stringify(created), answer: { status: 201, body: {} } },
    { request: `DELETE ${path}uuid-7`, answer: { status: 204 } },
  ],
};

describe('register at Quay', () => {
  registrarContract(api);

  it('revives a webhook that Quay disabled after failures', async () => {
    const failed = { ...api.hook(webhook.url, 7), number_of_failures: 3 };
    const server = await startScriptedServer([
      ...api.look([failed]),
      { request: `POST ${path}uuid-7`, answer: { status: 204 } },
    ]);
    expect(await enter(api, server)).toEqual([{ place: 'acme/shop', outcome: 'updated' }]);
  });

  it('leaves other events with the same URL alone', async () => {
    const build = { ...api.hook(webhook.url, 7), event: 'build_failure' };
    const server = await startScriptedServer([...api.look([build]), api.create]);
    expect(await enter(api, server)).toEqual([{ place: 'acme/shop', outcome: 'created' }]);
  });

  it('finds the repositories that rules with wildcards match', async () => {
    const list = 'GET /api/v1/repository?namespace=acme';
    const server = await startScriptedServer([
      {
        request: list,
        answer: { status: 200, body: { repositories: [{ name: 'shop' }], next_page: 'a&b' } },
      },
      {
        request: `${list}&next_page=a%26b`,
        answer: { status: 200, body: { repositories: [{ name: 'web' }] } },
      },
    ]);
    const client = new UpstreamClient(server.origin, []);
    expect(await quay.places({ ...webhook, repositories: ['acme/*'] }, client)).toEqual([
      'acme/shop',
      'acme/web',
    ]);
    await expect(quay.plan('acme', webhook, client)).rejects.toThrow(/write NAMESPACE\/REPOSITORY/);
  });

  it('reports that no repository matches', async () => {
    const answer = { status: 200, body: { repositories: [] } };
    const server = await startScriptedServer([{ request: 'GET /api/v1/repository?namespace=acme', answer }]);
    const client = new UpstreamClient(server.origin, []);
    await expect(quay.places(webhook, client)).rejects.toThrow(/no repository of acme matches its rules/);
  });
});
