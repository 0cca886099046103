import { Flights } from '../../async/flights.ts';
import { type OperationContext, RegistryError } from '../errors.ts';
import { redactText } from '../transport/redact.ts';
import type { Transport } from '../transport/transport.ts';
import { isTrusted } from '../transport/trusted-hosts.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { CredentialKeeper, type CredentialSource, type Credentials, isSameLogin } from './credentials.ts';
import { judgeRealm } from './realms.ts';
import { mergeScopes, type Scope, splitScopes } from './scopes.ts';
import { fetchToken, type Token } from './tokens.ts';

export interface AuthenticatorOptions {
  endpoint: URL;
  authHosts: readonly string[];
  /** Another registry's answer chose this one, so text from its token service is not quoted. */
  untrusted?: boolean;
  /** Called when a challenge requires them. */
  credentials?: CredentialSource | undefined;
  transport: Transport;
}

/** What is needed to answer a 401. */
export interface Rejection {
  /** The `WWW-Authenticate` header. */
  challenge: string | undefined;
  /** The `Authorization` that was rejected; undefined if none was sent. */
  sent: string | undefined;
  scopes: readonly Scope[];
  context: OperationContext;
  signal?: AbortSignal | undefined;
}

/** The method that this registry requires, learned from its last challenge. */
type Method =
  | { kind: 'basic' }
  | { kind: 'bearer'; realm: URL; anonymous: boolean; service: string | undefined };

/** The token that a request needs. */
interface WantedToken {
  scopes: readonly Scope[];
  context: OperationContext;
  signal?: AbortSignal | undefined;
}

interface KnownToken extends Token {
  /** The scopes that the token was requested for: the operation's and those of the challenge. */
  scopes: Scope[];
}

/**
 * The most tokens that are kept; the oldest is dropped. One repository's token is a few kilobytes.
 */
const maxTokens = 500;

/** Knows the `Authorization` header of requests to one host, and what to do after a 401. */
export interface Authorizer {
  /** The header to send; undefined for none. */
  authorization(
    scopes: readonly Scope[],
    context: OperationContext,
    signal?: AbortSignal,
  ): Promise<string | undefined>;
  /** The header to try after a 401, different from the one that was rejected; throws if none. */
  answer(rejection: Rejection): Promise<string>;
  /** Forgets what a 401 rejected. */
  reject(sent: string | undefined, scopes: readonly Scope[]): void;
  /** Everything that must not be shown, even if the host repeats it. */
  secrets(sent: string | undefined): string[];
}

/**
 * Knows the `Authorization` header for a registry: Bearer tokens
 * (https://distribution.github.io/distribution/spec/auth/token/), Basic (ECR, and registries behind
 * a password file), or none. The first request is sent without a header; its challenge is
 * remembered, so later requests carry one at once. Tokens are kept per scope until they expire or
 * are rejected, and requests that need the same one share one fetch. Credentials are sent to the
 * endpoint's host and to `authHosts`, nowhere else.
 */
export class Authenticator implements Authorizer {
  readonly #options: AuthenticatorOptions;
  #method: Method | undefined;
  readonly #credentials: CredentialKeeper;
  readonly #tokens = new Map<string, KnownToken>();
  readonly #fetching = new Flights<Token>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#credentials = new CredentialKeeper(options.credentials);
  }

  /**
   * The header for a request that needs the scopes, as far as it is known; undefined before the
   * first challenge. If no token can be obtained where the last challenge said, that challenge is
   * forgotten, and the request is sent without a header to get a new one: registries move their
   * token services, and functions live long.
   */
  async authorization(
    scopes: readonly Scope[],
    context: OperationContext,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const method = this.#method;
    if (method?.kind === 'basic') return await this.#credentials.header(context, signal);
    if (method?.kind !== 'bearer') return undefined;
    try {
      return `Bearer ${await this.#token(method, { scopes, context, signal })}`;
    } catch (error) {
      signal?.throwIfAborted();
      // A rate limit shows that this is the right place, and another request would only use up more
      // of it.
      if (!(error instanceof RegistryError) || error.status === 429) throw error;
      if (this.#method === method) this.#method = undefined;
      return undefined;
    }
  }

  /**
   * The header to try after a 401, different from the one that was rejected. Throws a
   * `RegistryError` with the code `UNAUTHORIZED` if there is none, or none may be requested.
   */
  async answer({ challenge, sent, scopes, context, signal }: Rejection): Promise<string> {
    this.reject(sent, scopes);
    const challenges = parseChallenges(challenge);
    const { method, scope } = await this.#choose(challenges, context, signal);
    this.#method = method;
    if (method.kind === 'bearer') {
      const challenged = splitScopes(scope);
      return `Bearer ${await this.#token(method, { scopes, challenged, context, signal })}`;
    }
    const header = await this.#credentials.header(context, signal);
    if (header === undefined || header === sent) {
      throw new RegistryError(context, {
        code: 'UNAUTHORIZED',
        status: 401,
        reason:
          header === undefined
            ? 'the registry requires a login, and there is none for it'
            : 'the registry rejected the credentials',
        login: header === undefined ? 'missing' : 'rejected',
      });
    }
    return header;
  }

  /** Forgets what a 401 rejected, so that it is not sent again. */
  reject(sent: string | undefined, scopes: readonly Scope[]): void {
    if (sent === undefined) return;
    const key = scopeKey(scopes);
    const known = this.#tokens.get(key);
    // Another request may have renewed it meanwhile. Its scopes are worth keeping.
    if (known && sent === `Bearer ${known.token}`) this.#tokens.set(key, { ...known, staleAt: 0 });
    this.#credentials.rejectHeader(sent);
  }

  /** Everything that must not be shown, even if a registry repeats it. */
  secrets(sent: string | undefined): string[] {
    const header = sent?.slice(sent.indexOf(' ') + 1) ?? '';
    // Hiding a short password would hide ordinary words.
    return [header, ...this.#credentials.secrets()].filter((secret) => secret.length >= 4);
  }

  /**
   * Bearer, if its token service may be asked; otherwise Basic, if there are credentials for it.
   */
  async #choose(
    challenges: readonly Challenge[],
    context: OperationContext,
    signal?: AbortSignal,
  ): Promise<{ method: Method; scope?: string | undefined }> {
    const { endpoint, authHosts, untrusted } = this.#options;
    const credentials = await this.#credentials.read(context, signal);
    const refusals: RegistryError[] = [];
    for (const { scheme, parameters } of challenges) {
      if (scheme !== 'bearer') continue;
      const realm = judgeRealm(parameters.get('realm'), endpoint, authHosts);
      if (realm.kind === 'refused')
        refusals.push(refusal(context, realm.reason, untrusted ? redirectedRemedy : realm.remedy));
      else if (realm.kind === 'foreign' && credentials) refusals.push(foreignRefusal(context, realm.url));
      else {
        return {
          method: {
            kind: 'bearer',
            realm: realm.url,
            anonymous: realm.kind === 'foreign',
            service: parameters.get('service'),
          },
          scope: parameters.get('scope'),
        };
      }
    }
    const wantsBasic = challenges.some(({ scheme }) => scheme === 'basic');
    if (wantsBasic && credentials && !('identityToken' in credentials)) return { method: { kind: 'basic' } };
    if (refusals[0]) throw refusals[0];
    const schemes = challenges.map(({ scheme }) => scheme).join(', ');
    if (schemes === '') {
      const why = 'it answered 401 without a challenge';
      const remedy =
        'the registry does not say how to log in: check the endpoint, and any proxy in front of it';
      throw refusal(context, why, remedy);
    }
    if (wantsBasic && credentials) {
      const why = 'it requires a user name and a password, and the login is an identity token';
      throw refusal(context, why, 'log in with a user name and an access token as its password');
    }
    if (wantsBasic)
      throw new RegistryError(context, {
        code: 'UNAUTHORIZED',
        status: 401,
        reason: 'the registry requires a login, and there is none for it',
        login: 'missing',
      });
    const why = `it requires ${redactText(schemes)}, which is not supported`;
    throw refusal(
      context,
      why,
      'the registry must offer a login with Bearer tokens or Basic: ask its operator',
    );
  }

  async #token(
    method: Method & { kind: 'bearer' },
    { scopes, challenged = [], context, signal }: WantedToken & { challenged?: readonly Scope[] },
  ): Promise<string> {
    const key = scopeKey(scopes);
    const known = this.#tokens.get(key);
    const wanted = mergeScopes(challenged, known ? mergeScopes(known.scopes, scopes) : scopes);
    if (known && known.staleAt > Date.now() && scopeKey(wanted) === scopeKey(known.scopes))
      return known.token;
    const flightKey = `${method.realm.href} ${method.service ?? ''} ${scopeKey(wanted)}`;
    const fetched = await this.#fetching.join(
      flightKey,
      (shared) =>
        this.#fetchToken(method, {
          scopes: wanted,
          context: { ...context, operation: 'authenticate' },
          signal: shared,
        }),
      signal,
    );
    this.#tokens.delete(key);
    this.#tokens.set(key, { ...fetched, scopes: wanted });
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size > maxTokens && oldest !== undefined) this.#tokens.delete(oldest);
    return fetched.token;
  }

  /**
   * One token. If the token service rejects the cached credentials (they were rotated), they are
   * read again.
   */
  async #fetchToken(
    { realm, service, anonymous }: Method & { kind: 'bearer' },
    { scopes, context, signal }: WantedToken & { signal: AbortSignal },
  ): Promise<Token> {
    const { transport, endpoint, authHosts, untrusted } = this.#options;
    const read = async () => (anonymous ? undefined : await this.#credentials.read(context, signal));
    const fetch = (login: Credentials | undefined) =>
      fetchToken(
        transport,
        {
          realm,
          trusted: !anonymous && !untrusted,
          isOwnHost: (url) => !anonymous && isTrusted(url, { endpoint, authHosts }),
          service,
          scopes,
          login,
        },
        { context, secrets: this.secrets(undefined), signal },
      );
    const login = await read();
    try {
      return await fetch(login);
    } catch (error) {
      if (!(error instanceof RegistryError) || login === undefined || error.login !== 'rejected') throw error;
      this.#credentials.reject(login);
      const renewed = await read();
      if (renewed === undefined || isSameLogin(renewed, login)) throw error;
      return await fetch(renewed);
    }
  }
}

/**
 * None of our settings applies to the token service of a registry that another one redirects to.
 */
const redirectedRemedy =
  'the registry redirects to a host that needs a token there: check the endpoint, or ask the registry’s operator';

function scopeKey(scopes: readonly Scope[]): string {
  return [...scopes].sort().join(' ');
}

function refusal(context: OperationContext, reason: string, remedy: string): RegistryError {
  return new RegistryError(context, {
    code: 'UNAUTHORIZED',
    status: 401,
    reason: `can’t log in to the registry: ${reason}`,
    remedy,
  });
}

function foreignRefusal(context: OperationContext, realm: URL): RegistryError {
  return new RegistryError(context, {
    code: 'UNAUTHORIZED',
    status: 401,
    reason: `the registry’s token service is on another host, ${realm.host}, where the credentials may not be sent`,
    remedy: `if that host may see them, add it in mirror.yaml to this upstream: authHosts: [${JSON.stringify(realm.host)}]`,
  });
}
