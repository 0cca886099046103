import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import { CommandError } from '../shared/command-error.ts';

/** The message if there are none. */
export const noWebhooks = 'no upstream in mirror.yaml has a webhook: add webhook: { source: … } to one';

/** The webhook with that name. @throws with the existing names */
export function findWebhook(webhooks: readonly PresentedWebhook[], name: string): PresentedWebhook {
  const found = webhooks.find((webhook) => webhook.name === name);
  if (found !== undefined) return found;
  const names = webhooks.map((webhook) => webhook.name).join(', ');
  throw new CommandError(
    `there is no webhook named ${name}`,
    names === '' ? noWebhooks : `the webhooks are: ${names}`,
  );
}

/** Whether everything that a sender needs is there: the API gives secrets only to the operator. */
export function hasSecrets({ url, secret, authentication: { kind } }: PresentedWebhook): boolean {
  if (kind === 'oidc') return true;
  return kind === 'path-token' ? !/\/(…|%E2%80%A6)$/i.test(url) : secret !== undefined;
}

/** @throws with advice if the API did not give the secrets */
export function requireSecrets(webhook: PresentedWebhook): void {
  if (hasSecrets(webhook)) return;
  throw new CommandError(
    `the API does not show the secret of ${webhook.name} to the reader’s token`,
    'pass the operator’s token with --token or DRAYAGE_TOKEN',
  );
}
