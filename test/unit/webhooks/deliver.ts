import { createHmac } from 'node:crypto';
import type { Config } from '../../../core/config/config.ts';
import { receiveWebhook, type WebhookRequest, type WebhookResult } from '../../../core/webhooks/receive.ts';
import { deriveSecret, type WebhookSecrets } from '../../../core/webhooks/secrets/secrets.ts';
import { configOf } from '../mirror-yaml/config-text.ts';

/**
 * A webhook for each kind of proof: path, signature, header. `registry` is reached under another
 * name than the one in references.
 */
export const config: Config = configOf(`
version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: docker.io
    webhook: { source: dockerhub, name: hub }
    repositories:
      - { match: "acme/*", tags: { exclude: ["*-dev"] } }
      - { match: "library/*" }
  - registry: ghcr.io
    webhook: { source: github }
    repositories: [{ match: "acme/**" }]
  - registry: registry.example:5000
    endpoint: http://10.0.0.5:5000
    webhook: { source: distribution, name: registry, options: { host: push.example } }
    repositories: [{ match: "team/*" }]
`);

/** Like the secrets of a deployment: the current one and, during a rotation, the previous one. */
export const secrets: WebhookSecrets = {
  forWebhook: async (name) => ({ secrets: [secretOf(name), secretOf(name, 'old root')] }),
  reread: async () => undefined,
};

/** How the API is reached. */
export const origin = 'https://api.example';

/** The current secret of a webhook, or that of another root. */
export function secretOf(name: string, root = 'root'): string {
  return deriveSecret(root, `webhook:${name}`);
}

/** Bytes as they are sent; anything else is sent as JSON. */
export function bytesOf(body: unknown): Uint8Array {
  return body instanceof Uint8Array
    ? body
    : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** GitHub's header for a body. */
export function githubSignature(body: Uint8Array, secret = secretOf('github'), algorithm = 'sha256'): string {
  return `${algorithm}=${createHmac(algorithm, secret).update(body).digest('hex')}`;
}

/** A delivery as each source's sender makes it, authentic unless something is changed. */
export const requests = {
  hub: (body: unknown, changes: Partial<WebhookRequest> = {}): WebhookRequest => ({
    method: 'POST',
    name: 'hub',
    token: secretOf('hub'),
    headers: { 'content-type': 'application/json', 'user-agent': 'Go-http-client/1.1' },
    body: bytesOf(body),
    origin,
    ...changes,
  }),
  github: (body: unknown, headers: Record<string, string> = {}): WebhookRequest => ({
    method: 'POST',
    name: 'github',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'package',
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-hub-signature-256': githubSignature(bytesOf(body)),
      ...headers,
    },
    body: bytesOf(body),
    origin,
  }),
  registry: (body: unknown, headers: Record<string, string> = {}): WebhookRequest => ({
    method: 'POST',
    name: 'registry',
    headers: {
      'content-type': 'application/vnd.docker.distribution.events.v1+json',
      authorization: secretOf('registry'),
      ...headers,
    },
    body: bytesOf(body),
    origin,
  }),
};

/** Receives a delivery under `config`. */
export function receive(request: WebhookRequest): Promise<WebhookResult> {
  return receiveWebhook(request, { config, secrets });
}
