import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import { drayage } from './drayage.ts';
import { type ScriptedStep, startScriptedServer } from './scripted-server.ts';

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000 - 1_000).toISOString();

/**
 * Webhooks as `GET /v1/webhooks` shows them to the operator: one that is signed, one with a token
 * in its URL, one without an API.
 */
export function presentedWebhooks(origin: string): PresentedWebhook[] {
  const shared = { documentation: 'https://docs.example/webhooks', repositories: ['acme/**'], options: {} };
  return [
    {
      ...shared,
      name: 'github',
      registry: 'ghcr.io',
      source: 'github',
      title: 'GitHub Container Registry',
      url: `${origin}/webhooks/github`,
      secret: 'github-secret',
      authentication: { kind: 'hmac', header: 'x-hub-signature-256', description: 'HMAC-SHA256 of the body' },
      where: 'organisation or repository → Settings → Webhooks',
      steps: ['Open *Settings*.', 'Secret: `github-secret`.'],
      deliveredAt: ago(5),
      acceptedAt: ago(180),
      refusedAt: ago(2),
      refusedFor: 'not_authentic',
    },
    {
      ...shared,
      name: 'hub',
      registry: 'docker.io',
      source: 'dockerhub',
      title: 'Docker Hub',
      url: `${origin}/webhooks/hub/hub-secret`,
      authentication: { kind: 'path-token', description: 'the secret at the end of the URL' },
      where: 'repository → Webhooks',
      steps: ['Open *Webhooks* at <https://hub.example>.', `Enter \`${origin}/webhooks/hub/hub-secret\`.`],
    },
    {
      ...shared,
      name: 'registry',
      registry: 'registry.example',
      source: 'distribution',
      title: 'CNCF Distribution',
      url: `${origin}/webhooks/registry`,
      secret: 'registry-secret',
      authentication: { kind: 'header', header: 'authorization', description: 'the header `authorization`' },
      where: 'the registry’s configuration: `notifications.endpoints`',
      steps: [
        'Put registry-secret\n\n```yaml\nnotifications:\n  endpoints: []\n```',
        'Restart the registry.',
      ],
    },
  ];
}

export const token = 'operator-token';
export const bearer = { authorization: `Bearer ${token}` };

/**
 * An API that answers the list of webhooks, and then as the steps say. Each request needs the
 * token.
 */
export async function startApi(...steps: ScriptedStep[]) {
  const server = await startScriptedServer();
  const webhooks = presentedWebhooks(server.origin);
  server.expect(
    { request: 'GET /v1/webhooks', headers: bearer, answer: { status: 200, body: { webhooks } } },
    ...steps,
  );
  const env = { ...process.env, DRAYAGE_API: server.origin, DRAYAGE_TOKEN: token };
  const run = (args: string[], more: NodeJS.ProcessEnv = {}) =>
    drayage(['webhooks', ...args], { env: { ...env, ...more } });
  return { server, webhooks, run };
}
