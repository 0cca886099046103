import { createHmac } from 'node:crypto';
import type { DeliveryAuthentication, WebhookAuthentication } from '../source.ts';
import { basicPassword, bearerToken } from './authorization-header.ts';
import { isOneOf } from './equal-secrets.ts';
import { isStandardWebhook } from './standard-webhooks.ts';

/** The parts of a delivery that show whether it is authentic. */
export interface DeliveryProof {
  /** The URL's last segment, if the URL has a token. */
  token?: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** As received: a signature covers bytes, not what they mean. */
  body: Uint8Array;
  /**
   * The webhook's own URL without a token. It is the audience of ID tokens unless the configuration
   * says otherwise.
   */
  url: string;
}

/**
 * Whether a delivery is authentic. The source sets algorithm and encoding, never the sender. An
 * empty or missing proof is refused, and so is every delivery while there is no secret.
 *
 * @throws OidcUnavailableError when an issuer's keys are unavailable, which is not the sender's
 *   fault.
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
      // Loaded only here: no other kind needs it.
      const { isIdToken } = await import('./oidc.ts');
      return await isIdToken(
        bearerToken(header(proof, 'authorization') ?? ''),
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

/** The whole value of the header that a sender with this secret sends with this body. */
export function signature(
  authentication: WebhookAuthentication & { kind: 'hmac' },
  secret: string,
  body: Uint8Array,
): string {
  const { algorithm, encoding, prefix } = authentication;
  return prefix + createHmac(algorithm, secret).update(body).digest(encoding);
}

/** Reads the credentials that follow a scheme of the Authorization header. */
const readScheme = { bearer: bearerToken, basic: basicPassword };

function header(proof: Pick<DeliveryProof, 'headers'>, name: string): string | undefined {
  return Object.hasOwn(proof.headers, name) ? proof.headers[name] : undefined;
}
