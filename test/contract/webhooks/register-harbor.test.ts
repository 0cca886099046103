import { describe, expect, it } from 'vitest';
import { harbor } from '../../../cli/webhooks/register/harbor.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { type ApiCase, enter, registrarContract } from './registrar-contract.ts';
import { presented, secret, token } from './upstream.ts';

const webhook = presented('harbor', 'header');
const path = '/api/v2.0/projects/acme/webhook/policies';
const target = {
  type: 'http',
  address: webhook.url,
  auth_header: secret,
  skip_cert_verify: false,
  payload_format: 'Default',
};

const api: ApiCase = {
  registrar: harbor,
  webhook,
  place: 'acme',
  user: 'admin',
  headers: {
    authorization: `Basic ${Buffer.from(`admin:${token}`).toString('base64')}`,
    'x-is-resource-name': 'true',
  },
  look: (hooks) => [{ request: `GET ${path}?page=1&page_size=100`, answer: { status: 200, body: hooks } }],
  hook: (url, id) => ({
    id,
    name: `policy ${id}`,
    project_id: 1,
    enabled: true,
    event_types: ['PUSH_ARTIFACT'],
    targets: [{ type: 'http', address: url, auth_header: secret, payload_format: 'Default' }],
  }),
  create: { request: `POST ${path}`, answer: { status: 201 } },
  created: { name: 'drayage-harbor', enabled: true, event_types: ['PUSH_ARTIFACT'], targets: [target] },
  again: { outcome: 'unchanged', steps: [] },
};

describe('register at Harbor', () => {
  registrarContract(api);

  it.each([
    ['an older secret', { targets: [{ ...target, auth_header: 'old' }] }],
    ['no secret', { targets: [{ ...target, auth_header: '' }] }],
    ['no pushes', { event_types: ['PULL_ARTIFACT'] }],
    ['a switch that is off', { enabled: false }],
  ])('repairs a webhook with %s, and keeps its format and other targets', async (_, change) => {
    const found = { ...api.hook(webhook.url, 7), ...change } as { targets: object[] };
    const slack = { type: 'slack', address: 'https://slack.example' };
    const body = {
      id: 7,
      name: 'policy 7',
      enabled: true,
      event_types: ['PUSH_ARTIFACT'],
      targets: [{ ...target, payload_format: 'CloudEvents' }, slack],
    };
    const server = await startScriptedServer([
      ...api.look([
        { ...found, targets: [{ ...target, ...found.targets[0], payload_format: 'CloudEvents' }, slack] },
      ]),
      { request: `PUT ${path}/7`, answer: { status: 200 } },
    ]);
    expect(await enter(api, server)).toEqual([{ place: 'acme', outcome: 'updated' }]);
    expect(JSON.parse(server.requests.at(-1)?.body.toString() ?? '')).toEqual(body);
  });

  it('asks for deletions as well if a rule follows them', async () => {
    const following = { ...api, webhook: { ...webhook, deletions: true as const } };
    const server = await startScriptedServer([
      ...api.look([api.hook(webhook.url, 7)]),
      { request: `PUT ${path}/7`, answer: { status: 200 } },
    ]);
    expect(await enter(following, server)).toEqual([{ place: 'acme', outcome: 'updated' }]);
    const { event_types } = JSON.parse(server.requests.at(-1)?.body.toString() ?? '');
    expect(event_types).toEqual(['PUSH_ARTIFACT', 'DELETE_ARTIFACT']);
  });

  it('looks at all pages, whose links are relative', async () => {
    const link = `<${path}?page=2&page_size=100>; rel="next"`;
    const server = await startScriptedServer([
      { request: `GET ${path}?page=1&page_size=100`, answer: { status: 200, headers: { link }, body: [] } },
      {
        request: `GET ${path}?page=2&page_size=100`,
        answer: { status: 200, body: [api.hook(webhook.url, 7)] },
      },
    ]);
    expect(await enter(api, server)).toEqual([{ place: 'acme', outcome: 'unchanged' }]);
  });

  it('sends no header if the secret is in the URL', async () => {
    const inPath = presented('harbor', 'path-token');
    const server = await startScriptedServer([...api.look([]), api.create]);
    await enter({ ...api, webhook: inPath }, server);
    const { targets } = JSON.parse(server.requests.at(-1)?.body.toString() ?? '');
    expect(targets).toEqual([{ ...target, address: inPath.url, auth_header: undefined }]);
  });
});
