import { createHmac } from 'node:crypto';
import { isOneOf } from './equal-secrets.ts';
import type { DeliveryAuthentication, WebhookAuthentication } from './source.ts';
import { isStandardWebhook } from './standard-webhooks.ts';

/** What of a delivery is looked at to know where it comes from. */
export interface DeliveryProof {
  /** The URL's last segment, where the sender has one. */
  token?: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** As it came: a signature covers bytes, not what they mean. */
  body: Uint8Array;
  /** The webhook's own URL without a token, which ID tokens are issued for unless the configuration says otherwise. */
  url: string;
}

/**
 * Whether a delivery is authentic. Algorithm and encoding are the source's, never the sender's choice; an empty or missing
 * proof is refused, and so is everything while there is no secret.
 *
 * @throws OidcUnavailableError when an issuer's keys can't be had, which is no fault of the sender's.
 */
export async function isAuthentic(
  authentication: WebhookAuthentication,
  proof: DeliveryProof,
  secrets: readonly string[],
  now: Date = new Date(),
): Promise<boolean> {
  const usable = secrets.filter((secret) => secret !== '');
  switch (authentication.kind) {
    case 'path-token':
      return isOneOf(proof.token, usable);
    case 'any': {
      const carried = authentication.of.find((each) => header(proof, proofHeader(each)) !== undefined);
      if (carried === undefined) return false;
      const same = authentication.of.filter((each) => proofHeader(each) === proofHeader(carried));
      const results = await Promise.all(same.map((each) => isAuthentic(each, proof, usable, now)));
      return results.includes(true);
    }
    case 'header':
      return isOneOf(
        header(proof, authentication.header),
        usable,
        ...(authentication.schemes ?? []).map((scheme) => readScheme[scheme]),
      );
    case 'hmac':
      return isOneOf(
        header(proof, authentication.header),
        usable.map((secret) => signature(authentication, secret, proof.body)),
      );
    case 'standard-webhooks':
      return isStandardWebhook(proof, usable, now);
    case 'oidc': {
      // Loaded only here: no other sender needs it.
      const { isIdToken } = await import('./oidc.ts');
      return await isIdToken(
        readScheme.bearer(header(proof, 'authorization') ?? ''),
        authentication,
        proof.url,
        now,
      );
    }
  }
}

/** The header that carries a proof. */
export function proofHeader(authentication: DeliveryAuthentication): string {
  switch (authentication.kind) {
    case 'standard-webhooks':
      return 'webhook-signature';
    case 'oidc':
      return 'authorization';
    default:
      return authentication.header;
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

/** What stands behind a scheme of the Authorization header (RFC 9110, 11.4), or undefined where it is another scheme. */
const readScheme = {
  bearer: (value: string): string | undefined => /^Bearer +(\S+)$/i.exec(value)?.[1],
  /** The password alone: the user name is the sender's choice. */
  basic: (value: string): string | undefined => {
    const credentials = /^Basic +(\S+)$/i.exec(value)?.[1];
    if (credentials === undefined) return undefined;
    const text = Buffer.from(credentials, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    return colon < 0 ? undefined : text.slice(colon + 1);
  },
};

function header(proof: Pick<DeliveryProof, 'headers'>, name: string): string | undefined {
  return Object.hasOwn(proof.headers, name) ? proof.headers[name] : undefined;
}
