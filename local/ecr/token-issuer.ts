import { randomBytes } from 'node:crypto';
import { parseBasic, sameSecret, sign, verify } from './secrets.ts';

/** How the token service behaves. */
export interface TokenOptions {
  /** The access of clients without credentials; default pull. */
  anonymous?: 'none' | 'pull' | 'push';
  /** Seconds until a token expires; default 300. */
  expiresIn?: number;
}

/** What a token allows. */
export interface Grant {
  /** `repository:library/nginx`, or the catalog. */
  resource: string;
  actions: string[];
}

/**
 * The name of the repository list in scopes.
 * https://distribution.github.io/distribution/spec/auth/scope/#resource-types
 */
export const catalogResource = 'registry:catalog';

/** The answer to a request for a token. */
export type TokenAnswer =
  | { kind: 'token'; token: string; expiresIn: number; issuedAt: string }
  | { kind: 'unauthorized' };

/**
 * Issues and reads the bearer tokens of a registry. Tokens contain what they grant and are signed:
 * nothing is stored.
 */
export class TokenIssuer {
  readonly service = 'registry.local';
  readonly #key = randomBytes(32);
  readonly #credentials: { username: string; password: string } | undefined;
  readonly #options: Required<TokenOptions>;

  constructor(credentials: { username: string; password: string } | undefined, options: TokenOptions) {
    this.#credentials = credentials;
    this.#options = { anonymous: 'pull', expiresIn: 300, ...options };
  }

  /**
   * A token for the requested access, as far as it is allowed. Like other token services, this one
   * also issues tokens that grant less than requested.
   * @param authorization the request's header
   * @param scopes such as `repository:library/nginx:pull,push`
   */
  issue(authorization: string | undefined, scopes: string[]): TokenAnswer {
    const actions = this.#actionsOf(authorization);
    if (actions === undefined) return { kind: 'unauthorized' };
    const grants = scopes
      .flatMap((scope) => scope.split(' '))
      .map((scope) => /^(repository:.+|registry:catalog):([a-z,*]+)$/.exec(scope))
      .filter((match) => match !== null)
      .map(([, resource = '', wanted = '']): Grant => {
        // Everybody may pull; only logged-in users may list all repositories.
        if (resource === catalogResource)
          return { resource, actions: authorization === undefined ? [] : ['*'] };
        const names = wanted === '*' ? [...actions] : wanted.split(',');
        return { resource, actions: names.filter((action) => actions.has(action)) };
      });
    const { expiresIn } = this.#options;
    const token = sign(this.#key, { grants, expiresAt: Date.now() + expiresIn * 1000 });
    return { kind: 'token', token, expiresIn, issuedAt: new Date().toISOString() };
  }

  /** What a token grants, by resource; undefined if it is not ours or has expired. */
  granted(token: string): Map<string, Set<string>> | undefined {
    const statement = verify(this.#key, token) as { grants: Grant[]; expiresAt: number } | undefined;
    if (statement === undefined || statement.expiresAt <= Date.now()) return undefined;
    const granted = new Map<string, Set<string>>();
    for (const { resource, actions } of statement.grants) {
      granted.set(resource, new Set([...(granted.get(resource) ?? []), ...actions]));
    }
    return granted;
  }

  #actionsOf(authorization: string | undefined): Set<string> | undefined {
    if (authorization === undefined) {
      switch (this.#options.anonymous) {
        case 'none':
          return undefined;
        case 'pull':
          return new Set(['pull']);
        case 'push':
          return new Set(['pull', 'push', 'delete']);
      }
    }
    const given = parseBasic(authorization);
    if (
      this.#credentials === undefined ||
      given === undefined ||
      !sameSecret(given.username, this.#credentials.username) ||
      !sameSecret(given.password, this.#credentials.password)
    ) {
      return undefined;
    }
    return new Set(['pull', 'push', 'delete']);
  }
}
