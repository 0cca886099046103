import { createHmac } from 'node:crypto';

/** The secrets of webhooks. */
export interface WebhookSecrets {
  /**
   * All secrets of a webhook that are valid now: the current one first, then those that are being rotated out.
   *
   * @throws when they can't be had, which is a failure of ours and not of the sender's.
   */
  forWebhook(name: string): Promise<{ secrets: string[] }>;
}

/**
 * Derives one of a deployment's secrets from its root, so that only the root must be kept: HMAC-SHA256 of the purpose, keyed
 * with the root, in base64url (43 characters, 256 bits, fit for a path).
 *
 * @param root the deployment's root secret
 * @param purpose `webhook:<name>`, `token:reader`, `token:operator`: other purposes, other secrets
 */
export function deriveSecret(root: string, purpose: string): string {
  if (root === '') throw new Error('the root secret is empty, so everybody could derive the others');
  return createHmac('sha256', Buffer.from(root, 'utf8')).update(purpose, 'utf8').digest('base64url');
}
