import type { LoginState } from '../errors.ts';
import { type OperationContext, RegistryError } from '../errors.ts';
import { brokenError, maxErrorBytes, refusedError } from '../failures.ts';
import { BodyTooLargeError, discard, readBeginning, readBounded } from '../transport/body.ts';
import { urlWithoutQuery } from '../transport/redact.ts';
import { isRedirect, nextHop, repeatsMethod } from '../transport/redirects.ts';
import type { HttpAnswer, HttpRequest, Transport } from '../transport/transport.ts';
import { basicHeader, type Credentials } from './credentials.ts';
import type { Scope } from './scopes.ts';

/** A token service's answer is read up to this size. */
export const maxTokenBytes = 1024 * 1024;

/** A request for a token. */
export interface TokenRequest {
  /** The realm, already judged. */
  realm: URL;
  /**
   * Whether the configuration trusts the realm; text from any other is not quoted in our messages.
   */
  trusted: boolean;
  service: string | undefined;
  scopes: readonly Scope[];
  /** Whether a URL is on a host that may see the login; redirects there are followed. */
  isOwnHost: (url: URL) => boolean;
  /** Undefined asks anonymously. */
  login: Credentials | undefined;
}

export interface FetchTokenOptions {
  /** The context of errors. */
  context: OperationContext;
  /** Values that must not be shown, even if the token service repeats them. */
  secrets: readonly string[];
  signal: AbortSignal;
}

export interface Token {
  token: string;
  /** When it should no longer be used, in milliseconds since 1970: a little before it expires. */
  staleAt: number;
}

/**
 * A token without `expires_in` is valid for a minute:
 * https://distribution.github.io/distribution/spec/auth/token/
 */
const defaultLifetimeSeconds = 60;
/**
 * A token is renewed this long before it expires, and a short-lived one at nine tenths of its
 * lifetime.
 */
const renewBeforeMs = 15_000;

/**
 * Asks a token service for a token: `GET realm?service=…&scope=…` with Basic authentication or none
 * (https://distribution.github.io/distribution/spec/auth/token/), or, with an identity token, `POST
 * realm` with a refresh grant (https://distribution.github.io/distribution/spec/auth/oauth/).
 * Redirects are followed only to hosts that may see the login.
 */
export async function fetchToken(
  transport: Transport,
  request: TokenRequest,
  { context, secrets, signal }: FetchTokenOptions,
): Promise<Token> {
  const { url, ...sent } = tokenRequest(request);
  const asked = Date.now();
  try {
    const answer = await follow(transport, request, { ...sent, url, signal });
    if (answer.status !== 200) {
      const body = await readBeginning(answer.body, maxErrorBytes);
      const by = `the token service ${urlWithoutQuery(url)}`;
      const refused = {
        by,
        untrusted: !request.trusted,
        status: answer.status,
        retryAfter: answer.header('retry-after'),
        body,
        login: loginState(answer.status, request.login),
      };
      throw refusedError(context, refused, 'ANSWER_INVALID', secrets);
    }
    return readToken(await readBounded(answer.body, maxTokenBytes), asked, url, context);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BodyTooLargeError) {
      throw new RegistryError(context, { code: 'ANSWER_TOO_LARGE', reason: `${url.host}: ${error.message}` });
    }
    throw brokenError(context, error, url);
  }
}

/** An expired refresh token is refused with 400, `invalid_grant`: RFC 6749, 5.2. */
function loginState(status: number, login: Credentials | undefined): LoginState {
  if (login === undefined) return status === 401 ? 'missing' : undefined;
  return status === 401 || (status === 400 && 'identityToken' in login) ? 'rejected' : undefined;
}

type SentRequest = Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'>;

function tokenRequest({ realm, service, scopes, login }: TokenRequest): SentRequest {
  const url = new URL(realm);
  if (login && 'identityToken' in login) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'drayage',
      refresh_token: login.identityToken,
    });
    if (service !== undefined) form.set('service', service);
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
    return { method: 'POST', url, headers, body: Buffer.from(form.toString()) };
  }
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const authorization = basicHeader(login);
  const headers = { accept: 'application/json', ...(authorization !== undefined && { authorization }) };
  return { method: 'GET', url, headers };
}

/**
 * Follows redirects where that is allowed, and returns the first other answer. 307 and 308 repeat a
 * POST (RFC 9110, 15.4.8).
 */
async function follow(
  transport: Transport,
  { isOwnHost, realm }: TokenRequest,
  request: SentRequest & { signal: AbortSignal },
): Promise<HttpAnswer> {
  const chain = [request.url];
  for (;;) {
    const { url } = request;
    const answer = await transport(request);
    const follows = request.method === 'GET' ? isRedirect(answer.status) : repeatsMethod(answer.status);
    if (!follows) return answer;
    const hosts = { endpoint: realm, authHosts: [], redirectHosts: [] };
    const next = nextHop(hosts, chain, answer.header('location'));
    if (!next.ok || !(next.url.host === url.host || isOwnHost(next.url))) return answer;
    discard(answer.body);
    chain.push(next.url);
    request = { ...request, url: next.url };
  }
}

function readToken(body: Uint8Array, asked: number, url: URL, context: OperationContext): Token {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(body));
  } catch {
    parsed = undefined;
  }
  const fields = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Record<string, unknown>;
  const token = fields.token || fields.access_token;
  // It goes into a header: only visible ASCII, and no longer than servers accept.
  if (typeof token !== 'string' || !/^[\x21-\x7e]{1,65536}$/.test(token)) {
    throw new RegistryError(context, {
      code: 'ANSWER_INVALID',
      reason: `the answer of the token service ${url.host} holds no token`,
    });
  }
  const told = fields.expires_in;
  const seconds = typeof told === 'number' && told > 0 ? told : defaultLifetimeSeconds;
  const lifetimeMs = Math.min(seconds, 86_400) * 1000;
  // Counted from before the request, on this machine's clock; `issued_at` is on another machine's.
  return { token, staleAt: asked + Math.max(lifetimeMs - renewBeforeMs, lifetimeMs * 0.9) };
}
