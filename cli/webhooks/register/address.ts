import type { PresentedWebhook } from '../../../core/webhooks/present-webhook.ts';

/** A webhook's URL without the token at its end. */
export function addressOf({ url, authentication }: PresentedWebhook): string {
  return authentication.kind === 'path-token' ? url.slice(0, url.lastIndexOf('/')) : url;
}

/**
 * Whether a hook that was found is this webhook: it delivers to its URL, with whichever token. The
 * origin counts, so that two deployments may have webhooks of one name at the same place.
 */
export function isAddressOf(webhook: PresentedWebhook, url: string): boolean {
  const address = addressOf(webhook);
  return url === address || url.startsWith(`${address}/`);
}

/** The name that a webhook has at the upstream, where it has one. */
export function hookName({ name }: PresentedWebhook): string {
  return `drayage-${name}`;
}
