import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { OidcAuthentication } from '../source.ts';
import { equalSecrets } from './equal-secrets.ts';

/** An issuer's keys are unavailable, so a token can't be verified now. */
export class OidcUnavailableError extends Error {
  override readonly name = 'OidcUnavailableError';
}

/** How far clocks may differ, in seconds. */
const clockTolerance = 30;
const keysWithinMs = 3_000;
/**
 * Keys are fetched again after this time. A token with an unknown key fetches them sooner, but not
 * within the pause.
 */
const keysForMs = 10 * 60_000;
const pauseMs = 30_000;

/**
 * How long no request for the keys is made after one has failed: anybody can send something that
 * looks like a token.
 */
const failurePauseMs = 2_000;

/** An issuer's keys, and when fetching them last failed. */
interface KeySet {
  keys: ReturnType<typeof createRemoteJWKSet>;
  failedAt?: number;
}

/** Key sets by their URL; they live as long as the process. */
const keySets = new Map<string, KeySet>();

/**
 * Whether a token is an ID token that the configured issuer issued for this webhook and the
 * configured account. RS256 only: the token does not choose the algorithm.
 * https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
 *
 * @param url the webhook's own URL: the audience, unless another one is configured
 * @throws OidcUnavailableError
 */
export async function isIdToken(
  token: string | undefined,
  { issuers, jwksUri, audience, email }: OidcAuthentication,
  url: string,
  now: Date,
): Promise<boolean> {
  if (token === undefined) return false;
  const set = keysAt(jwksUri);
  if (!set.keys.fresh && Date.now() - (set.failedAt ?? 0) < failurePauseMs)
    throw new OidcUnavailableError(`the keys at ${jwksUri} were unavailable a moment ago`);
  try {
    const { payload } = await jwtVerify(token, set.keys, {
      algorithms: ['RS256'],
      issuer: [...issuers],
      audience: audience ?? url,
      requiredClaims: ['exp', 'iat', 'email'],
      clockTolerance,
      currentDate: now,
    });
    return payload.email_verified === true && equalSecrets(String(payload.email), email);
  } catch (error) {
    if (isUnavailable(error)) {
      set.failedAt = Date.now();
      throw new OidcUnavailableError(`the keys at ${jwksUri} are unavailable: ${(error as Error).message}`, {
        cause: error,
      });
    }
    return false;
  }
}

function keysAt(jwksUri: string): KeySet {
  let set = keySets.get(jwksUri);
  if (set === undefined) {
    const keys = createRemoteJWKSet(new URL(jwksUri), {
      timeoutDuration: keysWithinMs,
      cacheMaxAge: keysForMs,
      cooldownDuration: pauseMs,
    });
    set = { keys };
    keySets.set(jwksUri, set);
  }
  return set;
}

/**
 * Every defect of a token has an error class of its own. Any other error means that the keys could
 * not be fetched or read.
 */
function isUnavailable(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  return !(error instanceof errors.JOSEError) || error.code === errors.JOSEError.code;
}
