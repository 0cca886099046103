import type { Config } from '../core/config/config.ts';
import { configuredWebhooks, webhookAddress } from '../core/webhooks/find-webhook.ts';
import { type PresentedWebhook, presentWebhook } from '../core/webhooks/present-webhook.ts';
import { webhookSecret } from '../core/webhooks/secrets/secrets.ts';
import { newWebhookState, type WebhookStates } from '../core/webhooks/secrets/state.ts';

/** How a webhook of the local stack is reached. */
export interface LocalWebhook {
  source: string;
  /** Absolute; holds the path token where the source can't sign. */
  url: string;
  /** What is pasted at the upstream, where the source signs or sends it. */
  secret?: string;
}

/** Where webhooks are reached, and what their secrets come from. */
export interface LocalWebhooksOptions {
  /** The address of the local API. */
  origin: string;
  /** The root of the secrets. */
  root: string;
  states: Pick<WebhookStates, 'list'>;
}

/** All webhooks of the configuration, by name, with the secrets that are current. */
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
 * All webhooks of the configuration as the API shows them to the operator, with their secrets and
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
