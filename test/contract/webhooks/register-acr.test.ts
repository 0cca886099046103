import { describe, expect, it } from 'vitest';
import { acr } from '../../../cli/webhooks/register/acr.ts';
import type { UpstreamClient } from '../../../cli/webhooks/register/client.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { type ApiCase, enter, registrarContract } from './registrar-contract.ts';
import { presented, secret, token } from './upstream.ts';

const place = '/subscriptions/0-1/resourceGroups/group/providers/Microsoft.ContainerRegistry/registries/acme';
const webhook = presented('acr', 'header', {
  authentication: { kind: 'header', header: 'authorization', description: '' },
});
const version = '?api-version=2023-07-01';
const path = `${place}/webhooks/drayageacr${version}`;
const created = {
  location: 'westeurope',
  properties: {
    serviceUri: webhook.url,
    customHeaders: { authorization: secret },
    actions: ['push'],
    status: 'enabled',
    scope: '',
  },
};
const put = { request: `PUT ${path}`, answer: { status: 200, body: {} } };

const api: ApiCase = {
  registrar: acr,
  webhook,
  place,
  headers: { authorization: `Bearer ${token}` },
  look: (hooks) => [
    {
      request: `GET ${place}${version}`,
      answer: { status: 200, body: { location: 'westeurope', name: 'acme' } },
    },
    {
      request: `GET ${path}`,
      // Azure finds webhooks by name: the others of a test have names that nobody asks for.
      answer: JSON.stringify(hooks).includes(`"${webhook.url}"`)
        ? { status: 200, body: { name: 'drayageacr', properties: { status: 'enabled' } } }
        : { status: 404, body: { error: { code: 'ResourceNotFound', message: 'no webhook' } } },
    },
  ],
  hook: (url, id) => ({ id, url }),
  create: put,
  created,
  again: { outcome: 'updated', steps: [put], written: created },
};

describe('register at Azure', () => {
  registrarContract(api);

  it('asks for deletions as well if a rule follows them', async () => {
    const written: unknown[] = [];
    const client = {
      get: async () => ({ location: 'westeurope' }),
      find: async () => undefined,
      write: async (_method: string, _path: string, body: unknown) => void written.push(body),
    } as unknown as UpstreamClient;
    await (await acr.plan(place, { ...webhook, deletions: true }, client)).apply();
    expect(written).toMatchObject([{ properties: { actions: ['push', 'delete'] } }]);
  });

  it('makes a name that Azure accepts, and no two the same', async () => {
    const names = ['a-b', 'ab', 'a-very-long-name-that-goes-on-and-on-until-there-are-sixty-three'];
    const asked: string[] = [];
    const client = {
      get: async () => ({ location: 'westeurope' }),
      find: async (found: string) => void asked.push(found),
    } as unknown as UpstreamClient;
    for (const name of names) await acr.plan(place, { ...webhook, name }, client);
    const made = asked.map((each) => /webhooks\/(\w+)\?/.exec(each)?.[1] ?? '');
    expect(new Set(made).size).toBe(3);
    for (const name of made) expect(name).toMatch(/^[A-Za-z0-9]{5,50}$/);
  });

  it('requires the resource id', async () => {
    const server = await startScriptedServer();
    await expect(enter(api, server, { at: [] })).rejects.toThrow(/resource id with --at/);
    await expect(enter(api, server, { at: ['acme'] })).rejects.toThrow(
      /acme is not a registry’s resource id/,
    );
    await expect(enter(api, server, { at: [`${place}/../other`] })).rejects.toThrow(
      /is not a registry’s resource id/,
    );
  });
});
