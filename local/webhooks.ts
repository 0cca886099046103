import type { Config } from '../core/config/config.ts';
import { configuredWebhooks, webhookAddress } from '../core/webhooks/find-webhook.ts';
import { webhookSecret } from '../core/webhooks/secrets.ts';
import { newWebhookState, type WebhookStates } from '../core/webhooks/state.ts';

/** How a webhook of the local stack is reached. */
export interface LocalWebhook {
  source: string;
  /** Absolute; holds the path token where the source can't sign. */
  url: string;
  /** What is pasted at the upstream, where the source signs or sends it. */
  secret?: string;
}

/** All webhooks of the configuration, by name, with the secrets that are current. */
export async function localWebhooks(
  config: Config,
  api: string,
  root: string,
  states: Pick<WebhookStates, 'list'>,
): Promise<Record<string, LocalWebhook>> {
  const known = await states.list();
  return Object.fromEntries(
    configuredWebhooks(config).map((configured) => {
      const { name, source } = configured.webhook;
      const { generation } = known.get(name) ?? newWebhookState;
      const { path, secret } = webhookAddress(configured, webhookSecret(root, name, generation));
      return [name, { source, url: `${api}${path}`, ...(secret === undefined ? {} : { secret }) }];
    }),
  );
}
