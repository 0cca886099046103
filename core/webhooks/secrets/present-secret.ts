import { standardWebhookSecret } from '../authenticity/standard-webhooks.ts';
import type { WebhookAuthentication } from '../source.ts';

/**
 * A derived secret (base64url) as the sender is given it: `whsec_<base64>` where it may sign as
 * Standard Webhooks does.
 */
export function presentSecret(authentication: WebhookAuthentication, secret: string): string {
  const kinds = authentication.kind === 'any' ? authentication.of : [authentication];
  return kinds.some(({ kind }) => kind === 'standard-webhooks')
    ? standardWebhookSecret(Buffer.from(secret, 'base64url'))
    : secret;
}
