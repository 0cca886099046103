import { describe, expect, it } from 'vitest';
import { nexus } from '../../../cli/webhooks/register/nexus.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { type ApiCase, enter, registrarContract } from './registrar-contract.ts';
import { presented, secret, token } from './upstream.ts';

const webhook = presented('nexus', 'hmac');
const path = '/service/rest/v1/capabilities';
const created = {
  type: 'webhook.repository',
  notes: 'drayage-nexus',
  enabled: true,
  properties: { repository: 'docker-hosted', names: 'component', url: webhook.url, secret },
};

const api: ApiCase = {
  registrar: nexus,
  webhook,
  place: 'docker-hosted',
  user: 'admin',
  headers: { authorization: `Basic ${Buffer.from(`admin:${token}`).toString('base64')}` },
  look: (hooks) => [
    {
      request: `GET ${path}`,
      answer: { status: 200, body: [{ id: 'base', type: 'baseurl', properties: null }, ...hooks] },
    },
  ],
  hook: (url, id) => ({
    id: String(id),
    type: 'webhook.repository',
    notes: '',
    enabled: true,
    properties: { repository: 'docker-hosted', names: 'component', url },
  }),
  create: { request: `POST ${path}`, answer: { status: 201, body: {} } },
  created,
  again: {
    outcome: 'updated',
    steps: [{ request: `PUT ${path}/7`, answer: { status: 204 } }],
    written: { id: '7', ...created },
  },
};

describe('register at Nexus', () => {
  registrarContract(api);

  it('enters a webhook at each repository', async () => {
    const server = await startScriptedServer([...api.look([api.hook(webhook.url, 7)]), api.create]);
    expect(await enter(api, server, { at: ['docker-other'] })).toEqual([
      { place: 'docker-other', outcome: 'created' },
    ]);
  });

  it('requires the repository and the user', async () => {
    const server = await startScriptedServer();
    await expect(enter(api, server, { at: [] })).rejects.toThrow(
      /name of the repository in Nexus: give it with --at/,
    );
    await expect(enter({ ...api, user: undefined } as never, server)).rejects.toThrow(/--user/);
  });

  it('uses the repository of the webhook’s options', async () => {
    expect(
      await nexus.places({ ...webhook, options: { repository: 'docker-hosted' } }, undefined as never),
    ).toEqual(['docker-hosted']);
  });
});
