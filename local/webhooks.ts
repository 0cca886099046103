import type { Config } from '../core/config/config.ts';
import { configuredWebhooks, webhookAddress } from '../core/webhooks/find-webhook.ts';
import { deriveSecret } from '../core/webhooks/secrets.ts';

/** How a webhook of the local stack is reached. */
export interface LocalWebhook {
  source: string;
  /** Absolute; holds the path token where the source can't sign. */
  url: string;
  /** What is pasted at the upstream, where the source signs or sends it. */
  secret?: string;
}

/** All webhooks of the configuration, by name. */
export function localWebhooks(config: Config, api: string, root: string): Record<string, LocalWebhook> {
  return Object.fromEntries(
    configuredWebhooks(config).map((configured) => {
      const { name, source } = configured.webhook;
      const { path, secret } = webhookAddress(configured, deriveSecret(root, `webhook:${name}`));
      return [name, { source, url: `${api}${path}`, ...(secret === undefined ? {} : { secret }) }];
    }),
  );
}
