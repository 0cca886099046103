import { describe, expect, it } from 'vitest';
import { giteaRegistrar } from '../../../cli/webhooks/register/gitea.ts';
import { type ScriptedStep, startScriptedServer } from '../../support/scripted-server.ts';
import { type ApiCase, enter, failure, registrarContract } from './registrar-contract.ts';
import { presented, secret, token } from './upstream.ts';

const me: ScriptedStep = { request: 'GET /api/v1/user', answer: { status: 200, body: { login: 'Jo' } } };
const stored = { id: 9, config: {}, events: ['package'] };

function giteaCase(source: 'gitea' | 'forgejo', place: string, path: string): ApiCase {
  const webhook = presented(source, 'hmac');
  const wanted = {
    type: source,
    active: true,
    events: ['package'],
    config: { url: webhook.url, content_type: 'json', secret },
  };
  const page = (number: number, hooks: object[]): ScriptedStep => ({
    request: `GET ${path}?limit=50&page=${number}`,
    answer: { status: 200, body: hooks },
  });
  return {
    registrar: giteaRegistrar(0),
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
    created: wanted,
    // Nothing proves that it has the current secret.
    again: {
      outcome: 'updated',
      steps: [
        { request: `POST ${path}`, body: JSON.stringify(wanted), answer: { status: 201, body: stored } },
        { request: `DELETE ${path}/7`, answer: { status: 204 } },
      ],
    },
  };
}

describe('register at Gitea', () => {
  const api = giteaCase('gitea', 'acme', '/api/v1/orgs/acme/hooks');
  registrarContract(api);

  it('also signs in with a user and password', async () => {
    const authorization = `Basic ${Buffer.from(`jo:${token}`).toString('base64')}`;
    const steps = [...api.look([]), api.create].map((step) => ({ ...step, headers: { authorization } }));
    expect(await enter({ ...api, user: 'jo' }, await startScriptedServer(steps))).toMatchObject([
      { outcome: 'created' },
    ]);
  });

  it('reports that the server left out the event', async () => {
    const answer = { status: 201, body: { ...stored, events: [] } };
    const server = await startScriptedServer([...api.look([]), { ...api.create, answer }]);
    const { message, remedy } = await failure(api, server);
    expect(message).toBe('the server left out the event “package” of the webhook at acme');
    expect(remedy).toContain('Package under Custom Events');
  });

  it('keeps the existing webhook if the server left out the event', async () => {
    const answer = { status: 201, body: { ...stored, events: ['push'] } };
    const server = await startScriptedServer([
      ...api.look([api.hook(api.webhook.url, 7)]),
      { ...api.create, answer },
      { request: 'DELETE /api/v1/orgs/acme/hooks/9', answer: { status: 204 } },
    ]);
    expect((await failure(api, server)).message).toContain('left out the event');
  });

  const proven = { ...api.hook(api.webhook.url, 7), created_at: '2026-11-24T12:00:00+02:00' };
  const deliveredAt = '2026-11-24T10:00:01.000Z';

  it.each([
    ['nothing was rotated', {}],
    ['the secret was rotated before', { rotatedAt: '2026-11-24T09:59:00.000Z' }],
    ['something was refused before', { refusedAt: '2026-11-24T10:00:00.500Z' }],
  ])('keeps a webhook that is proven to work, if %s', async (_, more) => {
    const webhook = { ...api.webhook, deliveredAt, ...more };
    const server = await startScriptedServer(api.look([proven]));
    expect(await enter({ ...api, webhook }, server)).toMatchObject([{ outcome: 'unchanged' }]);
  });

  it.each([
    ['nothing was delivered since', { deliveredAt: '2026-11-24T09:59:59.000Z' }, proven],
    ['the secret was rotated since', { deliveredAt, rotatedAt: '2026-11-24T10:00:00.500Z' }, proven],
    ['something was refused since', { deliveredAt, refusedAt: '2026-11-24T10:00:02.000Z' }, proven],
    ['it is switched off', { deliveredAt }, { ...proven, active: false }],
    ['it has other events', { deliveredAt }, { ...proven, events: ['push'] }],
  ])('replaces a webhook if %s', async (_, more, found) => {
    const server = await startScriptedServer([...api.look([found]), ...api.again.steps]);
    const webhook = { ...api.webhook, ...more };
    expect(await enter({ ...api, webhook }, server)).toMatchObject([{ outcome: 'updated' }]);
  });

  it('removes others with the same address', async () => {
    const server = await startScriptedServer([
      ...api.look([proven, api.hook(api.webhook.url, 8)]),
      { request: 'DELETE /api/v1/orgs/acme/hooks/8', answer: { status: 204 } },
    ]);
    const webhook = { ...api.webhook, deliveredAt };
    expect(await enter({ ...api, webhook }, server)).toMatchObject([{ outcome: 'updated' }]);
  });

  it('stops if the pages never end', async () => {
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

describe('register at Gitea, for one’s own account', () => {
  registrarContract(giteaCase('gitea', 'jo', '/api/v1/user/hooks'));
});

describe('register at a repository of Forgejo', () => {
  registrarContract(giteaCase('forgejo', 'acme/shop', '/api/v1/repos/acme/shop/hooks'));
});
