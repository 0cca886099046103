import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { vi } from 'vitest';
import { type Proof, signDelivery } from '../../../core/webhooks/authenticity/sign.ts';
import type { WebhookAuthentication } from '../../../core/webhooks/source.ts';

/** Where the tests' OpenID issuer has its keys; {@link stubIssuer} answers there. */
export const jwksUri = 'https://issuer.example/keys';
const keys = await generateKeyPair('RS256');
const keyId = 'tests';

/** Answers requests for the issuer's keys without a network; restored by vitest after the test. */
export async function stubIssuer(): Promise<void> {
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: keyId, alg: 'RS256', use: 'sig' };
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (url) => {
    if (String(url) !== jwksUri) throw new Error(`nothing may be fetched here, but ${String(url)} was`);
    return Response.json({ keys: [jwk] });
  });
}

/**
 * Makes the proof that a way of authentication requires; if there are several ways, that of the
 * first.
 *
 * @param secret as the sender was given it
 * @param url the webhook's own
 */
export async function prove(
  authentication: WebhookAuthentication,
  secret: string,
  body: Uint8Array,
  { url, now = new Date() }: { url: string; now?: Date },
): Promise<Proof> {
  if (authentication.kind !== 'oidc') {
    const proof = signDelivery(authentication, secret, { body, id: 'msg_1', now });
    if (proof === undefined) throw new Error('the source has no way to prove anything');
    return proof;
  }
  const claims = {
    iss: authentication.issuers[0],
    aud: authentication.audience ?? url,
    email: authentication.email,
    email_verified: true,
  };
  return { headers: { authorization: `Bearer ${await idToken(claims, now)}` } };
}

/** An ID token of the tests' issuer, valid for an hour. */
export function idToken(claims: Record<string, unknown>, now = new Date()): Promise<string> {
  const seconds = Math.floor(now.getTime() / 1000);
  return new SignJWT({ sub: '1', iat: seconds, exp: seconds + 3600, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: keyId, typ: 'JWT' })
    .sign(keys.privateKey);
}
