import { proofHeader } from '../../../core/webhooks/authenticity/verify.ts';
import type { ConfiguredWebhook } from '../../../core/webhooks/find-webhook.ts';
import { maxBodyBytes, type WebhookRequest } from '../../../core/webhooks/receive.ts';
import type { DeliveryAuthentication } from '../../../core/webhooks/source.ts';
import { below, type Dice, pick } from './mutate.ts';

const tooLarge = new Uint8Array(maxBodyBytes + 1);

/**
 * Takes from a request what makes it authentic or a delivery at all, and returns the status of its
 * refusal.
 */
export function spoil(
  roll: Dice,
  { headers, token, body }: WebhookRequest,
  { source, webhook }: ConfiguredWebhook,
  secret: string,
): { changes: Partial<WebhookRequest>; status: number } {
  const authentication = source.authentication(webhook.options);
  const kind = below(roll, 6);
  if (kind === 0)
    return { changes: { method: pick(roll, ['GET', 'HEAD', 'PUT', 'DELETE', '']) }, status: 405 };
  if (kind === 1) return { changes: { body: tooLarge }, status: 413 };
  if (kind === 2)
    return { changes: { name: pick(roll, ['', 'It', 'toString', '__proto__', 'x']) }, status: 404 };
  if (authentication.kind === 'path-token')
    return { changes: { token: pick(roll, ['', 'x', changed(roll, token ?? '')]) }, status: 404 };
  if (kind === 3) return { changes: { token: pick(roll, ['', 'x', secret]) }, status: 404 };

  const ways: readonly DeliveryAuthentication[] =
    authentication.kind === 'any' ? authentication.of : [authentication];
  const [way] = ways;
  if (way === undefined) throw new Error('the source has no way to prove anything');
  if (kind === 4 && (way.kind === 'hmac' || way.kind === 'standard-webhooks'))
    return { changes: { body: Buffer.concat([body, Buffer.from(' ')]) }, status: 401 };
  const header = proofHeader(way);
  const { [header]: value = '', ...rest } = headers;
  const given = pick(roll, ['', ' ', 'x', `${value}x`, changed(roll, value)]);
  return { changes: { headers: roll() < 0.2 ? rest : { ...rest, [header]: given } }, status: 401 };
}

/**
 * A proof with another character in it. It is within the second quarter, where every character has
 * a meaning.
 */
function changed(roll: Dice, proof: string): string {
  const at = Math.floor(proof.length / 4) + below(roll, Math.floor(proof.length / 4));
  return proof.slice(0, at) + (proof[at] === 'a' ? 'b' : 'a') + proof.slice(at + 1);
}
