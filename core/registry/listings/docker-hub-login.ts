import { Flights } from '../../async/flights.ts';
import { field } from '../../oci/json-field.ts';
import type { Authorizer, Rejection } from '../auth/authenticator.ts';
import { CredentialKeeper, type CredentialSource, type PasswordLogin } from '../auth/credentials.ts';
import type { Scope } from '../auth/scopes.ts';
import { type OperationContext, RegistryError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { readBounded } from '../transport/body.ts';
import { apiCall } from './pages.ts';

/**
 * After a login was rejected, requests are anonymous for this long: public repositories allow it.
 */
const anonymousMs = 10 * 60_000;
const maxTokenBytes = 64 * 1024;

/**
 * The login of Docker Hub's API: `POST /v2/auth/token` exchanges user name and access token, or
 * password, for a token that is valid for minutes
 * (https://docs.docker.com/reference/api/hub/latest/operations/AuthCreateAccessToken/). Without
 * credentials, and if they are rejected, requests are anonymous.
 */
export class DockerHubLogin implements Authorizer {
  readonly #credentials: CredentialKeeper;
  readonly #openExchange: (authorizer: Authorizer) => Exchange;
  readonly #fetching = new Flights<string | undefined>();
  #token: string | undefined;
  #anonymousUntil = 0;

  /** @param openExchange an exchange with the API */
  constructor(source: CredentialSource | undefined, openExchange: (authorizer: Authorizer) => Exchange) {
    this.#credentials = new CredentialKeeper(source);
    this.#openExchange = openExchange;
  }

  async authorization(
    _scopes: readonly Scope[],
    context: OperationContext,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    if (this.#token === undefined && Date.now() >= this.#anonymousUntil) {
      const login = await this.#credentials.read(context, signal);
      if (login === undefined || 'identityToken' in login) return undefined;
      this.#token = await this.#fetching.join('', (shared) => this.#logIn(login, shared), signal);
    }
    return this.#token === undefined ? undefined : `Bearer ${this.#token}`;
  }

  async answer({ sent, scopes, context, signal }: Rejection): Promise<string> {
    this.reject(sent);
    const header = sent === undefined ? undefined : await this.authorization(scopes, context, signal);
    if (header !== undefined && header !== sent) return header;
    throw new RegistryError(context, {
      code: 'UNAUTHORIZED',
      status: 401,
      reason: 'Docker Hub’s API requires a login',
    });
  }

  reject(sent: string | undefined): void {
    if (sent === `Bearer ${this.#token}`) this.#token = undefined;
  }

  secrets(sent: string | undefined): string[] {
    const header = sent?.slice(sent.indexOf(' ') + 1) ?? '';
    return [header, this.#token ?? '', ...this.#credentials.secrets()].filter((secret) => secret.length >= 4);
  }

  /** Undefined if the login is rejected. */
  async #logIn(login: PasswordLogin, signal: AbortSignal): Promise<string | undefined> {
    const exchange = this.#openExchange(anonymous(() => this.secrets(undefined)));
    const call = {
      ...apiCall,
      operation: 'log in to Docker Hub’s API',
      method: 'POST' as const,
      url: new URL('/v2/auth/token', exchange.endpoint),
      headers: { ...apiCall.headers, 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ identifier: login.username, secret: login.password })),
      signal,
    };
    try {
      return await exchange.perform(call, async (answer) => {
        const token = tokenIn(await readBounded(answer.body, maxTokenBytes));
        if (token !== undefined) return token;
        const { status } = answer;
        const reason = 'the answer has no access_token';
        throw new RegistryError(exchange.context(call), { code: 'ANSWER_INVALID', status, reason });
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RegistryError) || error.temporary) throw error;
      this.#credentials.reject(login);
      this.#anonymousUntil = Date.now() + anonymousMs;
      return undefined;
    }
  }
}

function tokenIn(bytes: Uint8Array): string | undefined {
  try {
    const token = field(JSON.parse(Buffer.from(bytes).toString('utf8')), 'access_token');
    // It becomes a header.
    return typeof token === 'string' && /^[\w.~+/=-]+$/.test(token) ? token : undefined;
  } catch {
    return undefined;
  }
}

/** No login, for a host that answers anybody. */
export function anonymous(secrets: () => string[] = () => []): Authorizer {
  return {
    authorization: async () => undefined,
    answer({ context }) {
      const reason = 'it requires a login';
      throw new RegistryError(context, { code: 'UNAUTHORIZED', status: 401, reason });
    },
    reject() {},
    secrets,
  };
}
