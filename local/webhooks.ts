import type { Config } from '../core/config/config.ts';
import { configuredWebhooks, webhookAddress } from '../core/webhooks/find-webhook.ts';
import { type PresentedWebhook, presentWebhook } from '../core/webhooks/present-webhook.ts';
import { webhookSecret } from '../core/webhooks/secrets/secrets.ts';
import { newWebhookState, type WebhookStates } from '../core/webhooks/secrets/state.ts';

/** The address and secret of a local webhook. */
export interface LocalWebhook {
  source: string;
  /** Absolute; contains the path token if the source can't sign. */
  url: string;
  /** The secret to paste at the upstream, if the source signs with it or sends it. */
  secret?: string;
}

/** The address of the webhooks, and the root of their secrets. */
export interface LocalWebhooksOptions {
  /** The address of the local API. */
  origin: string;
  /** The root of the secrets. */
  root: string;
  states: Pick<WebhookStates, 'list'>;
}

/** All webhooks of the configuration, by name, with their current secrets. */
export async function localWebhooks(
  config: Config,
  { origin, root, states }: LocalWebhooksOptions,
): Promise<Record<string, LocalWebhook>> {
  const known = await states.list();
  return Object.fromEntries(
    configuredWebhooks(config).map((configured) => {
      const { name, source } = configured.webhook;
      const { generation } = known.get(name) ?? newWebhookState;
      const { path, secret } = webhookAddress(configured, webhookSecret(root, name, generation));
      return [name, { source, url: `${origin}${path}`, ...(secret === undefined ? {} : { secret }) }];
    }),
  );
}

/**
 * All webhooks of the configuration, as the API shows them to the operator, with their secrets and
 * steps.
 */
export async function presentLocalWebhooks(
  config: Config,
  { origin, root, states }: LocalWebhooksOptions,
): Promise<PresentedWebhook[]> {
  const known = await states.list();
  return configuredWebhooks(config).map((configured) => {
    const state = known.get(configured.webhook.name) ?? newWebhookState;
    return presentWebhook(configured, state, { roots: { root }, origin, now: new Date() });
  });
}
