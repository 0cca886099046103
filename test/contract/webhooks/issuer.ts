import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, SignJWT } from 'jose';
import { onTestFinished } from 'vitest';
import { isAuthentic } from '../../../core/webhooks/authenticity/verify.ts';
import type { OidcAuthentication } from '../../../core/webhooks/source.ts';
import { gar } from '../../../core/webhooks/sources/cloud/gar.ts';

const issuer = 'https://issuer.example';
const email = 'push@project.iam.gserviceaccount.com';
/** The webhook's own. */
export const url = 'https://api.example/webhooks/gar';

export const first = await generateKeyPair('RS256');
export const second = await generateKeyPair('RS256');

/** A server of keys, one for each test: keys are kept by their address. */
export async function startIssuer(answer: RequestListener) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  onTestFinished(stop);
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { requests, stop, origin, authentication: authenticationAt(`${origin}/keys`) };
}

/** As in a webhook of the source gar. */
export function authenticationAt(jwks: string, more: Record<string, string> = {}): OidcAuthentication {
  const authentication = gar.authentication(gar.optionsSchema.parse({ email, issuer, jwks, ...more }));
  if (authentication.kind !== 'oidc') throw new Error('gar is proven by a token');
  return authentication;
}

/** Answers with the public keys, by their ids. */
export async function sendKeys(response: ServerResponse, keys: Record<string, GenerateKeyPairResult>) {
  const jwks = await Promise.all(
    Object.entries(keys).map(async ([kid, { publicKey }]) => ({
      ...(await exportJWK(publicKey)),
      kid,
      alg: 'RS256',
      use: 'sig',
    })),
  );
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: jwks }));
}

/** Answers with the key that tokens are signed with unless a test says otherwise. */
export const answerFirst: RequestListener = (_request, response) => void sendKeys(response, { first });

/** The claims of a valid token. */
export function claims(changes: Record<string, unknown> = {}) {
  const seconds = Math.floor(Date.now() / 1000);
  const right = { iss: issuer, aud: url, email, email_verified: true, iat: seconds, exp: seconds + 3600 };
  return { ...right, ...changes };
}

/** A token that is valid except for the given changes; `header` is added to its header. */
export function token(
  { privateKey } = first,
  kid = 'first',
  { header = {}, ...changes }: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT(claims(changes))
    .setProtectedHeader({ alg: 'RS256', kid, ...(header as object) })
    .sign(privateKey);
}

/** Whether a delivery with this token is authentic. */
export function proven(authentication: OidcAuthentication, jwt: string): Promise<boolean> {
  const proof = { headers: { authorization: `Bearer ${jwt}` }, body: Buffer.from('{}'), url };
  return isAuthentic(authentication, proof, []);
}
