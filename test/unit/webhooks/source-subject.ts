import type { Config } from '../../../core/config/config.ts';
import {
  type ConfiguredWebhook,
  configuredWebhooks,
  webhookPath,
} from '../../../core/webhooks/find-webhook.ts';
import { receiveWebhook, type WebhookRequest, type WebhookResult } from '../../../core/webhooks/receive.ts';
import { presentSecret } from '../../../core/webhooks/secrets/present-secret.ts';
import { configOf } from '../mirror-yaml/config-text.ts';
import { bytesOf, origin, secretOf, secrets } from './deliver.ts';
import { jwksUri, prove } from './prove.ts';
import { type CaseDelivery, loadCases, type SourceCases } from './source-cases.ts';

/** The account of the mirror in these tests. */
export const account = '111122223333';

/**
 * A source as the tests of all sources use it: its cases, and how a delivery of it is made and
 * received.
 */
export interface SourceSubject {
  cases: SourceCases;
  config(variant?: string): Config;
  webhook(variant?: string): ConfiguredWebhook;
  /** The secret of a root as the sender gets it. */
  secret(root?: string): string;
  /** An authentic delivery. */
  request(delivery: CaseDelivery, changes?: Partial<WebhookRequest>): Promise<WebhookRequest>;
  receive(request: WebhookRequest, variant?: string): Promise<WebhookResult>;
  /** Receives it where every rule says `deleted: unmap`. */
  receiveUnmapping(request: WebhookRequest, variant?: string): Promise<WebhookResult>;
}

/** The name that cases give to their webhook. */
const name = 'it';

export async function sourceSubject(source: string): Promise<SourceSubject> {
  const cases = await loadCases(source);
  const configs = new Map<string | undefined, Config>();
  const unmapping = new Map<Config, Config>();
  const subject: SourceSubject = {
    cases,
    config(variant) {
      let config = configs.get(variant);
      if (config === undefined) {
        const upstreams = variant === undefined ? cases.upstreams : cases.variants?.[variant];
        if (upstreams === undefined) throw new Error(`${source} has no variant ${variant}`);
        const text = `version: 1\nmirror: { regions: [eu-west-1] }\nupstreams:${upstreams.replaceAll('{jwks}', jwksUri)}`;
        config = configOf(text);
        configs.set(variant, config);
      }
      return config;
    },
    webhook(variant) {
      const webhook = configuredWebhooks(subject.config(variant)).find((each) => each.webhook.name === name);
      if (webhook?.source.name !== source)
        throw new Error(`${source} has no webhook of its own named ${name}`);
      return webhook;
    },
    secret(root) {
      const { source: own, webhook } = subject.webhook();
      return presentSecret(own.authentication(webhook.options), secretOf(name, root));
    },
    async request({ body, headers = {}, variant }, changes = {}) {
      const { source: own, webhook } = subject.webhook(variant);
      const bytes = changes.body ?? bytesOf(body);
      const url = origin + webhookPath(name);
      const proof = await prove(own.authentication(webhook.options), subject.secret(), bytes, { url });
      return {
        method: 'POST',
        name,
        origin,
        body: bytes,
        ...proof,
        headers: { 'content-type': 'application/json', ...headers, ...proof.headers },
        ...changes,
      };
    },
    receive: (request, variant) =>
      receiveWebhook(request, { config: subject.config(variant), secrets, account }),
    receiveUnmapping(request, variant) {
      const config = subject.config(variant);
      const unmaps = unmapping.get(config) ?? unmappingConfig(config);
      unmapping.set(config, unmaps);
      return receiveWebhook(request, { config: unmaps, secrets, account });
    },
  };
  return subject;
}

function unmappingConfig(config: Config): Config {
  const upstreams = config.upstreams.map((upstream) => ({
    ...upstream,
    repositories: upstream.repositories.map((rule) => ({ ...rule, deleted: 'unmap' as const })),
  }));
  return { ...config, upstreams };
}
