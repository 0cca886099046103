import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { OidcAuthentication } from '../source.ts';
import { equalSecrets } from './equal-secrets.ts';

/** An issuer's keys can't be had: whether a token is authentic can't be told now. */
export class OidcUnavailableError extends Error {
  override readonly name = 'OidcUnavailableError';
}

/** Clocks differ by this much, seconds. */
const clockTolerance = 30;
const keysWithinMs = 3_000;
/**
 * Keys are asked for again after this time, and sooner for a token of an unknown key, though not
 * within the pause.
 */
const keysForMs = 10 * 60_000;
const pauseMs = 30_000;

/**
 * Where keys could not be had, nobody asks again for so long: anybody can send what looks like a
 * token.
 */
const failurePauseMs = 2_000;

/** An issuer's keys, and when they could not be had last. */
interface KeySet {
  keys: ReturnType<typeof createRemoteJWKSet>;
  failedAt?: number;
}

/** By where they are; they live as long as the process. */
const keySets = new Map<string, KeySet>();

/**
 * Whether a token is an ID token that the configured issuer made for this webhook and the
 * configured account. RS256 only: the token does not choose.
 * https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
 *
 * @param url the webhook's own, which is the audience unless another is configured
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
    throw new OidcUnavailableError(`the keys at ${jwksUri} could not be had a moment ago`);
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
      throw new OidcUnavailableError(`the keys at ${jwksUri} can't be had: ${(error as Error).message}`, {
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
 * All that is wrong with a token has a class of its own; what is left is the way to the keys, or
 * what is there.
 */
function isUnavailable(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  return !(error instanceof errors.JOSEError) || error.code === errors.JOSEError.code;
}
