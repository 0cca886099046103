import { describe, expect, it } from 'vitest';
import { artifactory } from '../../../cli/webhooks/register/artifactory.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { type ApiCase, enter, registrarContract } from './registrar-contract.ts';
import { presented, secret, token } from './upstream.ts';

const webhook = presented('artifactory', 'hmac');
const path = '/event/api/v1/subscriptions';

function subscription(key: string, repoKeys: string[], url = webhook.url, signs = true) {
  return {
    key,
    description: 'Tells Drayage what was pushed',
    enabled: true,
    event_filter: {
      domain: 'docker',
      event_types: ['pushed'],
      criteria: { anyLocal: repoKeys.length === 0, repoKeys, includePatterns: [], excludePatterns: [] },
    },
    handlers: [{ handler_type: 'webhook', url, secret, use_secret_for_signing: signs }],
  };
}

const api: ApiCase = {
  registrar: artifactory,
  webhook,
  place: '*',
  headers: { authorization: `Bearer ${token}` },
  look: (hooks) => [{ request: `GET ${path}`, answer: { status: 200, body: hooks } }],
  hook: (url, id) => ({
    ...subscription(`hook ${id}`, [], url),
    handlers: [{ handler_type: 'webhook', url }],
  }),
  create: { request: `POST ${path}`, answer: { status: 201 } },
  created: subscription('drayage-artifactory', []),
  again: {
    outcome: 'updated',
    steps: [{ request: `PUT ${path}/hook%207`, answer: { status: 204 } }],
    written: subscription('hook 7', []),
  },
};

describe('register at the JFrog Platform', () => {
  registrarContract(api);

  it('asks for deletions as well if a rule follows them', async () => {
    const server = await startScriptedServer([...api.look([]), api.create]);
    await enter({ ...api, webhook: { ...webhook, deletions: true } }, server);
    expect(JSON.parse(server.requests.at(-1)?.body.toString() ?? '')).toMatchObject({
      description: 'Tells Drayage what was pushed or deleted',
      event_filter: { event_types: ['pushed', 'deleted'] },
    });
  });

  it('has a webhook for each repository that is named, besides the one for all', async () => {
    const server = await startScriptedServer([
      ...api.look([api.hook(webhook.url, 7)]),
      { request: `POST ${path}`, answer: { status: 201 } },
      ...api.look([subscription('mine', ['docker-b'])]),
      { request: `PUT ${path}/mine`, answer: { status: 204 } },
    ]);
    expect(await enter(api, server, { at: ['docker-a', 'docker-b'] })).toEqual([
      { place: 'docker-a', outcome: 'created' },
      { place: 'docker-b', outcome: 'updated' },
    ]);
    const [, first, , second] = server.requests.map(({ body }) => JSON.parse(body.toString() || 'null'));
    expect(first).toEqual(subscription('drayage-artifactory-docker-a', ['docker-a']));
    expect(second).toEqual(subscription('mine', ['docker-b']));
  });

  it('has the secret sent as it is if it belongs in a header', async () => {
    const inHeader = presented('artifactory', 'header');
    const server = await startScriptedServer([...api.look([]), api.create]);
    await enter({ ...api, webhook: inHeader }, server, {
      at: await artifactory.places(inHeader, undefined as never),
    });
    expect(JSON.parse(server.requests.at(-1)?.body.toString() ?? '')).toEqual(
      subscription('drayage-artifactory', [], webhook.url, false),
    );
  });

  it('uses the repository of the webhook’s options', async () => {
    expect(
      await artifactory.places({ ...webhook, options: { repository: 'docker-a' } }, undefined as never),
    ).toEqual(['docker-a']);
  });
});
