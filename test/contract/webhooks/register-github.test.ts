import { describe, expect, it } from 'vitest';
import { github } from '../../../cli/webhooks/register/github.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { type ApiCase, enter, failure, registrarContract } from './registrar-contract.ts';
import { presented, secret, token } from './upstream.ts';

const webhook = presented('github', 'hmac', { registry: 'ghcr.io' });
const config = { url: webhook.url, content_type: 'json', secret, insecure_ssl: '0' };
const wanted = { config, events: ['package'], active: true };
const path = '/orgs/acme/hooks';

const api: ApiCase = {
  registrar: github,
  webhook,
  place: 'acme',
  headers: {
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  },
  look: (hooks) => [{ request: `GET ${path}?per_page=100`, answer: { status: 200, body: hooks } }],
  hook: (url, id) => ({
    id,
    type: 'Organization',
    name: 'web',
    active: true,
    events: ['package'],
    config: { url, content_type: 'json', insecure_ssl: '0', secret: '********' },
  }),
  create: { request: `POST ${path}`, answer: { status: 201, body: { id: 9 } } },
  created: { name: 'web', ...wanted },
  again: {
    outcome: 'updated',
    steps: [{ request: `PATCH ${path}/7`, answer: { status: 200, body: { id: 7 } } }],
    written: wanted,
  },
};

describe('register at GitHub', () => {
  registrarContract(api);

  it('uses the owners of the rules, once each', async () => {
    const rules = { ...webhook, repositories: ['acme/app', 'acme/**', 'other/x'] };
    expect(await github.places(rules, undefined as never)).toEqual(['acme', 'other']);
    await expect(github.places({ ...webhook, repositories: ['*/app'] }, undefined as never)).rejects.toThrow(
      /the rule \*\/app does not say whose .* --at/,
    );
  });

  it('enters a webhook at a repository', async () => {
    const server = await startScriptedServer([
      { request: 'GET /repos/acme/shop/hooks?per_page=100', answer: { status: 200, body: [] } },
      { request: 'POST /repos/acme/shop/hooks', answer: { status: 201, body: {} } },
    ]);
    expect(await enter(api, server, { at: ['acme/shop'] })).toEqual([
      { place: 'acme/shop', outcome: 'created' },
    ]);
  });

  it('looks at all pages, and continues if one place fails', async () => {
    const server = await startScriptedServer();
    const link = `<${server.origin}/organizations/1/hooks?per_page=100&page=2>; rel="next"`;
    server.expect(
      {
        request: `GET ${path}?per_page=100`,
        answer: { status: 200, headers: { link }, body: [api.hook('https://x', 1)] },
      },
      {
        request: 'GET /organizations/1/hooks?per_page=100&page=2',
        answer: { status: 200, body: [api.hook(webhook.url, 8)] },
      },
      { request: `PATCH ${path}/8`, answer: { status: 500 } },
      { request: 'GET /orgs/other/hooks?per_page=100', answer: { status: 200, body: [] } },
      { request: 'POST /orgs/other/hooks', answer: { status: 201 } },
    );
    expect(await enter(api, server, { at: ['acme', 'other'] })).toEqual([
      { place: 'acme', error: { message: `PATCH ${server.origin}${path}/8 was answered 500` } },
      { place: 'other', outcome: 'created' },
    ]);
  });

  it('sends its credentials to no other address', async () => {
    const elsewhere = await startScriptedServer();
    for (const next of [`${elsewhere.origin}/hooks`, 'http://user:pw@127.0.0.1/', 'https://[']) {
      const answer = { status: 200, headers: { link: `<${next}>; rel="next"` }, body: [] };
      const server = await startScriptedServer([{ request: `GET ${path}?per_page=100`, answer }]);
      expect((await failure(api, server)).message).toMatch(
        /next page of .*\/orgs\/acme\/hooks is at another/,
      );
    }
  });

  it.each(['..', '../x', 'a/..', '.'])('never asks for a place such as %s', async (place) => {
    const server = await startScriptedServer();
    const [result] = await enter(api, server, { at: [place] });
    expect(result).toMatchObject({
      error: { message: expect.stringContaining('contains an invalid name') },
    });
    expect(server.requests).toEqual([]);
  });

  it('knows only the API of ghcr.io', () => {
    expect(github.endpoint('ghcr.io')).toBe('https://api.github.com');
    expect(github.endpoint('containers.ghe.example')).toBeUndefined();
  });
});
