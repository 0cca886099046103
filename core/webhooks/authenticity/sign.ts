import type { WebhookAuthentication } from '../source.ts';
import { standardWebhookSignature } from './standard-webhooks.ts';
import { signature } from './verify.ts';

/** What a sender adds to a delivery to prove that it is authentic. */
export interface Proof {
  /** The last segment of the URL. */
  token?: string;
  headers: Record<string, string>;
}

/**
 * Makes the proof that a kind of authentication requires; for `any`, that of the first kind.
 *
 * @param secret in the form that the sender was given
 * @param delivery the bytes as they are sent, a unique id and the time
 * @returns undefined if the proof needs the sender's own key, which nobody else has
 */
export function signDelivery(
  authentication: WebhookAuthentication,
  secret: string,
  { body, id, now }: { body: Uint8Array; id: string; now: Date },
): Proof | undefined {
  switch (authentication.kind) {
    case 'path-token':
      return { token: secret, headers: {} };
    case 'header':
      return { headers: { [authentication.header]: secret } };
    case 'hmac':
      return { headers: { [authentication.header]: signature(authentication, secret, body) } };
    case 'standard-webhooks': {
      const timestamp = String(Math.floor(now.getTime() / 1000));
      return {
        headers: {
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': standardWebhookSignature(secret, id, timestamp, body),
        },
      };
    }
    case 'oidc':
      return undefined;
    case 'any': {
      const [first] = authentication.of;
      return first && signDelivery(first, secret, { body, id, now });
    }
  }
}
