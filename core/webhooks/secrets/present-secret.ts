import { standardWebhookSecret } from '../authenticity/standard-webhooks.ts';
import type { WebhookAuthentication } from '../source.ts';

/**
 * A derived secret (base64url) in the form that the sender gets: `whsec_<base64>` if it may sign
 * according to Standard Webhooks.
 */
export function presentSecret(authentication: WebhookAuthentication, secret: string): string {
  const kinds = authentication.kind === 'any' ? authentication.of : [authentication];
  return kinds.some(({ kind }) => kind === 'standard-webhooks')
    ? standardWebhookSecret(Buffer.from(secret, 'base64url'))
    : secret;
}
