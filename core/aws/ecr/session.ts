import type { ECRClient } from '@aws-sdk/client-ecr';
import { Flights } from '../../async/flights.ts';
import type { CallOptions } from '../../copy/ports.ts';
import { RegistryClient } from '../../registry/client.ts';
import { RegistryError } from '../../registry/errors.ts';
import { RefusedFeatures } from '../../registry/refused-features.ts';
import { StreamLimit } from '../../registry/stream-limit.ts';
import { authorizationToken } from './authorization-token.ts';
import { called, type EcrClientConfig } from './call.ts';

/** A token is renewed when less than this remains. ECR tokens last 12 hours. */
const renewBeforeMs = 30 * 60_000;

/** An authorization token, and the client that uses it. */
export interface EcrSession {
  client: RegistryClient;
  /** The registry's host, as image references name it. */
  host: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/**
 * The token of one registry, fetched when it is first needed and kept until it expires or is
 * refused.
 */
export class EcrSessions {
  readonly #ecr: ECRClient;
  readonly #registry: string;
  /** How many streams the registry accepts at once: learned once, for all sessions. */
  readonly streams = new StreamLimit();
  readonly refused = new RefusedFeatures();
  readonly #fetching = new Flights<EcrSession>();
  readonly #onRequest: EcrClientConfig['onRequest'];
  #session: EcrSession | undefined;

  /** @param registry for messages. */
  constructor(ecr: ECRClient, registry: string, { onRequest }: Pick<EcrClientConfig, 'onRequest'> = {}) {
    this.#onRequest = onRequest;
    this.#ecr = ecr;
    this.#registry = registry;
  }

  /**
   * The current session. Callers that ask while a token is being fetched share it. A caller that
   * gives up does not affect the others.
   */
  async open({ signal }: CallOptions = {}): Promise<EcrSession> {
    signal?.throwIfAborted();
    const kept = this.#session;
    if (kept && kept.expiresAt - Date.now() > renewBeforeMs) return kept;
    return await this.#fetching.join('', (shared) => this.#authorize(shared), signal);
  }

  /** Forgets a session whose token the registry refused, unless there is already a newer one. */
  drop(refused: EcrSession): void {
    if (this.#session === refused) this.#session = undefined;
  }

  async close(): Promise<void> {
    await this.#session?.client.close();
  }

  async #authorize(signal: AbortSignal): Promise<EcrSession> {
    const { login, proxyEndpoint } = await called(
      { operation: 'GetAuthorizationToken', registry: this.#registry },
      () => authorizationToken(this.#ecr, { signal }),
      { signal },
    );
    // The endpoint is used as returned and never constructed: partitions, FIPS and dual-stack have
    // other hosts.
    const host = new URL(proxyEndpoint).host;
    const client = new RegistryClient({
      registry: host,
      endpoint: proxyEndpoint,
      side: 'mirror',
      streams: this.streams,
      refused: this.refused,
      ...(this.#onRequest && { onRequest: this.#onRequest }),
      credentials: async () => login,
    });
    // Copies in progress keep the old session's client; its idle connections close by themselves.
    this.#session = { client, host, expiresAt: login.expiresAt };
    return this.#session;
  }
}

/**
 * Whether a registry refused the token. A token ends early, together with the credentials that it
 * was fetched with; ECR then answers 403 without a challenge, “Your authorization token has
 * expired” (flipt-io/flipt#3043), or 401. A missing permission is 403, too.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors-docker.html
 */
export function isTokenRefused(error: unknown): error is RegistryError {
  return (
    error instanceof RegistryError &&
    error.side === 'mirror' &&
    (error.status === 401 || error.status === 403)
  );
}
