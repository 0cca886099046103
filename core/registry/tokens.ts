import { BodyTooLargeError, readBeginning, readBounded } from './body.ts';
import { type OperationContext, RegistryError } from './errors.ts';
import { brokenError, maxErrorBytes, refusedError } from './failures.ts';
import { redactUrl } from './redact.ts';
import type { Scope } from './scopes.ts';
import type { Transport } from './transport.ts';

/** A token service's answer is read up to this size. */
export const maxTokenBytes = 1024 * 1024;

/** What a token is asked for. */
export interface TokenRequest {
  /** The realm, already judged. */
  realm: URL;
  /** Whether the realm is one that the configuration trusts; the text of any other is not for our messages. */
  trusted: boolean;
  service: string | undefined;
  scopes: readonly Scope[];
  /** An `Authorization` header for the token service; undefined asks anonymously. */
  authorization: string | undefined;
}

export interface Token {
  token: string;
  /** When it should no longer be used, in milliseconds since 1970: a little before it expires. */
  staleAt: number;
}

/** A token without `expires_in` is good for a minute: https://distribution.github.io/distribution/spec/auth/token/ */
const defaultLifetimeSeconds = 60;
/** A token is renewed this long before its end, and a short-lived one at nine tenths of its life. */
const renewBeforeMs = 15_000;

/**
 * Asks a token service for a token: `GET realm?service=…&scope=…` with Basic authentication or none
 * (https://distribution.github.io/distribution/spec/auth/token/). Redirects are not followed: the credentials are for this host.
 */
export async function fetchToken(
  transport: Transport,
  request: TokenRequest,
  context: OperationContext,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<Token> {
  const url = new URL(request.realm);
  if (request.service !== undefined) url.searchParams.set('service', request.service);
  for (const scope of request.scopes) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (request.authorization !== undefined) headers.authorization = request.authorization;
  const asked = Date.now();
  try {
    const answer = await transport({ method: 'GET', url, headers, signal });
    if (answer.status !== 200) {
      const body = await readBeginning(answer.body, maxErrorBytes);
      const by = `the token service ${redactUrl(url)}`;
      const refused = {
        by,
        untrusted: !request.trusted,
        status: answer.status,
        retryAfter: answer.header('retry-after'),
        body,
      };
      throw refusedError(context, refused, 'ANSWER_INVALID', secrets);
    }
    return readToken(await readBounded(answer.body, maxTokenBytes), asked, url, context);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BodyTooLargeError) {
      throw new RegistryError(context, { code: 'ANSWER_TOO_LARGE', reason: `${url.host}: ${error.message}` });
    }
    throw brokenError(context, error, `no token from ${url.host}`);
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
  // It goes into a header: visible ASCII only, and no longer than servers take.
  if (typeof token !== 'string' || !/^[\x21-\x7e]{1,65536}$/.test(token)) {
    throw new RegistryError(context, {
      code: 'ANSWER_INVALID',
      reason: `the answer of the token service ${url.host} holds no token`,
    });
  }
  const told = fields.expires_in;
  const seconds = typeof told === 'number' && told > 0 ? told : defaultLifetimeSeconds;
  const lifetimeMs = Math.min(seconds, 86_400) * 1000;
  // Counted from before the request on this machine's clock; `issued_at` is on somebody else's.
  return { token, staleAt: asked + Math.max(lifetimeMs - renewBeforeMs, lifetimeMs * 0.9) };
}
