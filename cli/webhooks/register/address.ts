import type { PresentedWebhook } from '../../../core/webhooks/present-webhook.ts';

/** A webhook's URL without the token at its end. */
export function addressOf({ url, authentication }: PresentedWebhook): string {
  return authentication.kind === 'path-token' ? url.slice(0, url.lastIndexOf('/')) : url;
}

/**
 * Whether an existing hook is this webhook: it delivers to the webhook's URL, with any token. The
 * origin counts, so that two deployments can have webhooks of the same name at the same place.
 */
export function isAddressOf(webhook: PresentedWebhook, url: string): boolean {
  const address = addressOf(webhook);
  return url === address || url.startsWith(`${address}/`);
}

/** The name of a webhook at the upstream, if hooks there have names. */
export function hookName({ name }: PresentedWebhook): string {
  return `drayage-${name}`;
}
