import { createHmac } from 'node:crypto';
import { isOneOf } from './equal-secrets.ts';

/**
 * How old a delivery may be, and how far the sender's clock may be ahead, in seconds. A replay
 * within this time is a duplicate and does no harm.
 */
const toleranceSeconds = 5 * 60;
/** A sender that is rotating its key signs with several keys; nobody needs more than this. */
const maxSignatures = 10;
const prefix = 'whsec_';

/** A secret as Standard Webhooks write it: `whsec_` and the key in base64. */
export function standardWebhookSecret(key: Uint8Array): string {
  return prefix + Buffer.from(key).toString('base64');
}

/** The bytes that a key may have, by the specification. */
const keyBytes = { least: 24, most: 64 };

/**
 * What is wrong with a secret that we are to sign with; undefined if it is right. The answer does
 * not contain the secret.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
 */
export function standardWebhookSecretProblem(secret: string): string | undefined {
  const text = secret.slice(prefix.length);
  const form = `write ${prefix} and ${keyBytes.least} to ${keyBytes.most} random bytes in base64`;
  if (!secret.startsWith(prefix) || !/^[A-Za-z0-9+/]+={0,2}$/.test(text))
    return `does not have the form of Standard Webhooks; ${form}`;
  const { length } = Buffer.from(text, 'base64');
  if (length >= keyBytes.least && length <= keyBytes.most) return undefined;
  return `has a key of ${length} bytes; ${form}`;
}

/**
 * The value of `webhook-signature` for one delivery.
 *
 * @param secret `whsec_<base64>`
 */
export function standardWebhookSignature(
  secret: string,
  id: string,
  timestamp: string,
  body: Uint8Array,
): string {
  const key = Buffer.from(secret.startsWith(prefix) ? secret.slice(prefix.length) : secret, 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`, 'utf8').update(body).digest('base64')}`;
}

/**
 * Whether one of the signatures is ours and the delivery is recent. Only `v1` (HMAC-SHA256) counts:
 * `v1a` is asymmetric.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#verifying-webhook-authenticity
 */
export function isStandardWebhook(
  { headers, body }: { headers: Readonly<Record<string, string>>; body: Uint8Array },
  secrets: readonly string[],
  now: Date,
): boolean {
  const own = (name: string) => (Object.hasOwn(headers, name) ? (headers[name] ?? '') : '');
  const id = own('webhook-id');
  const timestamp = own('webhook-timestamp');
  const expected = secrets.map((secret) => standardWebhookSignature(secret, id, timestamp, body));
  const given = own('webhook-signature').split(' ').slice(0, maxSignatures);
  const signed = given.map((signature) => isOneOf(signature, expected)).includes(true);
  const isTime = /^\d{1,12}$/.test(timestamp);
  return (
    signed && id !== '' && isTime && Math.abs(now.getTime() / 1000 - Number(timestamp)) <= toleranceSeconds
  );
}
