import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { WebhookAuthentication } from './source.ts';

/** A key of this process, so that nobody outside can know the digests that are compared. */
const comparisonKey = randomBytes(32);

/**
 * Whether two texts are equal, in a time that tells nothing of where or whether they differ, their lengths included: what is
 * compared are HMACs of them, which all have one length.
 * https://paragonie.com/blog/2015/11/preventing-timing-attacks-on-string-comparison-with-double-hmac-strategy
 */
export function equalSecrets(given: string, expected: string): boolean {
  const digest = (text: string) => createHmac('sha256', comparisonKey).update(text, 'utf8').digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/**
 * Whether a text is one of the secrets that are valid now (several while one is being rotated). All are compared, whichever
 * fits; an empty or missing text and an empty secret never fit.
 */
export function isOneOf(given: string | undefined, secrets: readonly string[]): boolean {
  let equal = false;
  for (const secret of secrets) equal = equalSecrets(given ?? '', secret) || equal;
  return equal && given !== undefined && given !== '';
}

/** What of a delivery is looked at to know where it comes from. */
export interface DeliveryProof {
  /** The URL's last segment, where the sender has one. */
  token?: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** As it came: a signature covers bytes, not what they mean. */
  body: Uint8Array;
}

/**
 * Whether a delivery is authentic. Algorithm and encoding are the source's, never the sender's choice; an empty or missing
 * proof is refused, and so is everything while there is no secret.
 */
export function isAuthentic(
  authentication: WebhookAuthentication,
  proof: DeliveryProof,
  secrets: readonly string[],
): boolean {
  const usable = secrets.filter((secret) => secret !== '');
  switch (authentication.kind) {
    case 'path-token':
      return isOneOf(proof.token, usable);
    case 'header':
      return isOneOf(header(proof, authentication.header), usable);
    case 'hmac':
      return isOneOf(
        header(proof, authentication.header),
        usable.map((secret) => signature(authentication, secret, proof.body)),
      );
  }
}

/** The whole value of the header that a sender with this secret puts on this body. */
export function signature(
  authentication: WebhookAuthentication & { kind: 'hmac' },
  secret: string,
  body: Uint8Array,
): string {
  const { algorithm, encoding, prefix } = authentication;
  return prefix + createHmac(algorithm, Buffer.from(secret, 'utf8')).update(body).digest(encoding);
}

function header(proof: DeliveryProof, name: string): string | undefined {
  return Object.hasOwn(proof.headers, name) ? proof.headers[name] : undefined;
}
