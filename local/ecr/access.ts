import type { EcrPassword } from './ecr-password.ts';
import type { HttpExchange } from './http-exchange.ts';
import { parseBasic, sameSecret } from './secrets.ts';
import { catalogResource, type Grant, type TokenIssuer } from './token-issuer.ts';

/** What a request of the registry protocol is about to do. */
export type AccessNeed =
  | { kind: 'ping' }
  /** Listing the repositories. */
  | { kind: 'catalog' }
  | {
      kind: 'pull' | 'push' | 'delete';
      repository: string /** also pulls from here: a mount */;
      from?: string;
    };

/** Whether the request is allowed. */
export type AccessDecision =
  | { allowed: true }
  | {
      allowed: false;
      status: 401 | 403;
      code: 'UNAUTHORIZED' | 'DENIED';
      message: string;
      challenge?: string;
    };

/** Decides on requests of the registry protocol. */
export type AccessControl = (exchange: HttpExchange, need: AccessNeed) => AccessDecision;

const allowed: AccessDecision = { allowed: true };

function challenged(challenge: string, message: string): AccessDecision {
  return { allowed: false, status: 401, code: 'UNAUTHORIZED', message, challenge };
}

/**
 * ECR's: Basic only. With open pulls, clients on this machine pull without credentials; an empty
 * user and password count as no credentials, since some clients (skopeo) send them in answer to a
 * challenge. `/v2/` always sends a challenge: it shows clients how to log in for a push.
 */
export function ecrAccess(password: EcrPassword, { pulls }: { pulls: 'open' | 'authorized' }): AccessControl {
  return (exchange, need) => {
    const challenge = `Basic realm="${exchange.origin}/",service="ecr.amazonaws.com"`;
    const header = exchange.header('authorization');
    const given = parseBasic(header);
    const anonymous = header === undefined || (given?.username === '' && given.password === '');
    if (anonymous) {
      if (need.kind === 'pull' && pulls === 'open' && exchange.fromLoopback) return allowed;
      return challenged(challenge, 'no basic auth credentials');
    }
    switch (given === undefined ? 'wrong' : password.check(given.username, given.password)) {
      case 'valid':
        return allowed;
      case 'expired':
        // 403 and no challenge:
        // https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors-docker.html
        return {
          allowed: false,
          status: 403,
          code: 'DENIED',
          message: 'Your authorization token has expired. Reauthenticate and try again.',
        };
      case 'wrong':
        return challenged(challenge, 'the user or the password is wrong');
    }
  };
}

/** Everybody may do everything. */
export const openAccess: AccessControl = () => allowed;

/** One user for everything. */
export function basicAccess(credentials: { username: string; password: string }): AccessControl {
  return (exchange) => {
    const given = parseBasic(exchange.header('authorization'));
    const right =
      given !== undefined &&
      sameSecret(given.username, credentials.username) &&
      sameSecret(given.password, credentials.password);
    return right ? allowed : challenged('Basic realm="registry"', 'authentication required');
  };
}

/**
 * Bearer tokens of the token service. https://distribution.github.io/distribution/spec/auth/token/
 */
export function tokenAccess(issuer: TokenIssuer): AccessControl {
  return (exchange, need) => {
    const wanted = grantsFor(need);
    const token = /^bearer +(\S+)$/i.exec(exchange.header('authorization') ?? '')?.[1];
    const granted = token === undefined ? undefined : issuer.granted(token);
    const missing = wanted.filter(({ resource, actions }) =>
      actions.some((action) => granted?.get(resource)?.has(action) !== true),
    );
    if (granted !== undefined && missing.length === 0) return allowed;
    const scope = wanted.map(({ resource, actions }) => `${resource}:${actions.join(',')}`).join(' ');
    const error =
      token === undefined ? '' : `,error="${granted === undefined ? 'invalid_token' : 'insufficient_scope'}"`;
    const challenge =
      `Bearer realm="${exchange.origin}/token",service="${issuer.service}"` +
      `${scope === '' ? '' : `,scope="${scope}"`}${error}`;
    return challenged(challenge, 'authentication required');
  };
}

/** What a token must grant. */
function grantsFor(need: AccessNeed): Grant[] {
  if (need.kind === 'ping') return [];
  if (need.kind === 'catalog') return [{ resource: catalogResource, actions: ['*'] }];
  const { repository, kind, from } = need;
  return [
    { resource: `repository:${repository}`, actions: kind === 'push' ? ['pull', 'push'] : [kind] },
    ...(from === undefined ? [] : [{ resource: `repository:${from}`, actions: ['pull'] }]),
  ];
}
