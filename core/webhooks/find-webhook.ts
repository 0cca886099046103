import type { Config, Upstream, Webhook } from '../config/config.ts';
import { presentSecret } from './secrets/present-secret.ts';
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
 * @throws if one has an unknown source; `parseConfig` accepts none.
 */
export function configuredWebhooks(config: Config): ConfiguredWebhook[] {
  return config.upstreams.flatMap((upstream) =>
    upstream.webhooks.map((webhook) => {
      const source = findSource(webhook.source);
      if (source === undefined)
        throw new Error(`the webhook ${webhook.name} has an unknown source: ${webhook.source}`);
      return { webhook, upstream, source };
    }),
  );
}

/**
 * Where a webhook is reached, and what the operator enters at the upstream.
 *
 * @param secret the webhook's current secret, as derived
 * @returns the path of the URL, and the `secret` that the sender signs its deliveries with or sends
 *   along. If the sender can't sign, the path contains the secret instead. A sender that signs with
 *   a key of its own has no secret.
 */
export function webhookAddress(
  { webhook, source }: ConfiguredWebhook,
  secret: string,
): { path: string; secret?: string } {
  const path = webhookPath(webhook.name);
  const authentication = source.authentication(webhook.options);
  if (authentication.kind === 'oidc') return { path };
  const presented = presentSecret(authentication, secret);
  return authentication.kind === 'path-token'
    ? { path: `${path}/${presented}` }
    : { path, secret: presented };
}

/** The path of a webhook's URL, without a token. */
export function webhookPath(name: string): string {
  return `/webhooks/${name}`;
}
