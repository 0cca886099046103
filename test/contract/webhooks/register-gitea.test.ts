import { describe, expect, it } from 'vitest';
import { gitea } from '../../../cli/webhooks/register/gitea.ts';
import { type ScriptedStep, startScriptedServer } from '../../support/scripted-server.ts';
import { type ApiCase, enter, failure, registrarContract } from './registrar-contract.ts';
import { presented, secret, token } from './upstream.ts';

const me: ScriptedStep = { request: 'GET /api/v1/user', answer: { status: 200, body: { login: 'Jo' } } };
const stored = { id: 7, config: {}, events: ['package'] };

function giteaCase(source: 'gitea' | 'forgejo', place: string, path: string): ApiCase {
  const webhook = presented(source, 'hmac');
  const wanted = {
    active: true,
    events: ['package'],
    config: { url: webhook.url, content_type: 'json', secret },
  };
  const page = (number: number, hooks: object[]): ScriptedStep => ({
    request: `GET ${path}?limit=50&page=${number}`,
    answer: { status: 200, body: hooks },
  });
  return {
    registrar: gitea,
    webhook,
    place,
    headers: { authorization: `token ${token}` },
    look: (hooks) => [
      ...(path.includes('/repos/') ? [] : [me]),
      page(1, hooks),
      ...(hooks.length > 0 ? [page(2, [])] : []),
    ],
    hook: (url, id) => ({
      id,
      type: source,
      config: { url, content_type: 'json' },
      events: ['package'],
      active: true,
    }),
    create: { request: `POST ${path}`, answer: { status: 201, body: stored } },
    created: { type: source, ...wanted },
    again: {
      outcome: 'updated',
      steps: [{ request: `PATCH ${path}/7`, answer: { status: 200, body: stored } }],
      written: wanted,
    },
  };
}

describe('register at Gitea', () => {
  const api = giteaCase('gitea', 'acme', '/api/v1/orgs/acme/hooks');
  registrarContract(api);

  it('signs in with a user and password as well', async () => {
    const authorization = `Basic ${Buffer.from(`jo:${token}`).toString('base64')}`;
    const steps = [...api.look([]), api.create].map((step) => ({ ...step, headers: { authorization } }));
    expect(await enter({ ...api, user: 'jo' }, await startScriptedServer(steps))).toMatchObject([
      { outcome: 'created' },
    ]);
  });

  it('tells where the server left the event out', async () => {
    const answer = { status: 201, body: { ...stored, events: [] } };
    const server = await startScriptedServer([...api.look([]), { ...api.create, answer }]);
    const { message, remedy } = await failure(api, server);
    expect(message).toBe('the webhook is at acme, but the server left out its event “package”');
    expect(remedy).toContain('tick Package');
  });

  it('ends where pages never do', async () => {
    const path = '/api/v1/orgs/acme/hooks';
    const pages = Array.from({ length: 200 }, (_, n) => ({
      request: `GET ${path}?limit=50&page=${n + 1}`,
      answer: { status: 200, body: [api.hook('https://x', n)] },
    }));
    const server = await startScriptedServer([me, ...pages]);
    expect(await enter(api, server)).toMatchObject([
      { error: { message: expect.stringContaining('more than 200 pages') } },
    ]);
  });
});

describe('register at Gitea, for oneself', () => {
  registrarContract(giteaCase('gitea', 'jo', '/api/v1/user/hooks'));
});

describe('register at a repository of Forgejo', () => {
  registrarContract(giteaCase('forgejo', 'acme/shop', '/api/v1/repos/acme/shop/hooks'));
});
