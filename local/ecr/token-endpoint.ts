import type { HttpExchange } from './http-exchange.ts';
import type { TokenIssuer } from './token-issuer.ts';

/**
 * `GET /token`: the token service. https://distribution.github.io/distribution/spec/auth/token/
 * OAuth2 by POST is answered 405, after which clients fall back to this one.
 */
export async function answerToken(exchange: HttpExchange, issuer: TokenIssuer): Promise<void> {
  if (exchange.method !== 'GET') return exchange.send(405, { allow: 'GET' });
  const answer = issuer.issue(exchange.header('authorization'), exchange.query.getAll('scope'));
  if (answer.kind === 'unauthorized') {
    const isAnonymous = exchange.header('authorization') === undefined;
    const message = isAnonymous ? 'a login is needed' : 'the user or the password is wrong';
    return exchange.sendJson(
      401,
      { errors: [{ code: 'UNAUTHORIZED', message }] },
      { 'www-authenticate': `Basic realm="${issuer.service}"` },
    );
  }
  const { token, expiresIn, issuedAt } = answer;
  await exchange.sendJson(
    200,
    { token, access_token: token, expires_in: expiresIn, issued_at: issuedAt },
    { 'cache-control': 'no-store' },
  );
}
