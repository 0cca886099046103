import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import { CommandError } from '../shared/command-error.ts';

/** What is said where there are none. */
export const noWebhooks = 'no upstream in mirror.yaml has a webhook: add webhook: { source: … } to one';

/** The webhook of that name. @throws with the names that there are */
export function findWebhook(webhooks: readonly PresentedWebhook[], name: string): PresentedWebhook {
  const found = webhooks.find((webhook) => webhook.name === name);
  if (found !== undefined) return found;
  const names = webhooks.map((webhook) => webhook.name).join(', ');
  throw new CommandError(
    `there is no webhook named ${name}`,
    names === '' ? noWebhooks : `the webhooks are: ${names}`,
  );
}

/** Whether what a sender needs is there: the API gives secrets to the operator alone. */
export function hasSecrets({ url, secret, authentication: { kind } }: PresentedWebhook): boolean {
  if (kind === 'oidc') return true;
  return kind === 'path-token' ? !/\/(…|%E2%80%A6)$/i.test(url) : secret !== undefined;
}

/** @throws where the API did not give the secrets, with what helps */
export function requireSecrets(webhook: PresentedWebhook): void {
  if (hasSecrets(webhook)) return;
  throw new CommandError(
    `the API does not show the secret of ${webhook.name} to the reader’s token`,
    'pass the operator’s token with --token or DRAYAGE_TOKEN',
  );
}
