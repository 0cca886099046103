import type { Config, Upstream, Webhook } from '../config/config.ts';
import type { WebhookSource } from './source.ts';
import { findSource } from './sources/index.ts';

/** A webhook of the configuration with what it belongs to. */
export interface ConfiguredWebhook {
  webhook: Webhook;
  upstream: Upstream;
  source: WebhookSource;
}

/**
 * All webhooks of the configuration.
 *
 * @throws when one has a source that this version does not know, which `parseConfig` refuses.
 */
export function configuredWebhooks(config: Config): ConfiguredWebhook[] {
  return config.upstreams.flatMap((upstream) => {
    const { webhook } = upstream;
    if (webhook === undefined) return [];
    const source = findSource(webhook.source);
    if (source === undefined)
      throw new Error(`the webhook ${webhook.name} has an unknown source: ${webhook.source}`);
    return [{ webhook, upstream, source }];
  });
}

/**
 * Where a webhook is reached, and what the operator pastes at the upstream.
 *
 * @param secret the webhook's current secret
 * @returns the path of the URL, which for a sender that can't sign holds the secret; for others `secret` is what it signs or
 *   sends its deliveries with.
 */
export function webhookAddress(
  configured: ConfiguredWebhook,
  secret: string,
): { path: string; secret?: string } {
  const { webhook, source } = configured;
  const path = `/webhooks/${webhook.name}`;
  return source.authentication(webhook.options).kind === 'path-token'
    ? { path: `${path}/${secret}` }
    : { path, secret };
}
