import { Authenticator } from './auth/authenticator.ts';
import type { Transport } from './transport/transport.ts';

/** The most registries that are remembered; the oldest is dropped. */
const most = 100;

/**
 * Registries that a registry redirects reads to, and that require their own tokens. They get none
 * of our credentials.
 */
export class OtherRegistries {
  readonly #transport: Transport;
  readonly #known = new Map<string, Authenticator>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The authorizer for a repository of the registry at a URL's origin. */
  at(url: URL, repository: string | undefined): Authenticator {
    const key = keyOf(url, repository);
    const authenticator =
      this.#known.get(key) ??
      new Authenticator({
        endpoint: new URL(url.origin),
        authHosts: [],
        untrusted: true,
        transport: this.#transport,
      });
    this.#known.set(key, authenticator);
    const [oldest] = this.#known.keys();
    if (this.#known.size > most && oldest !== undefined) this.#known.delete(oldest);
    return authenticator;
  }

  /** The same, if that registry has required a token before. */
  known(url: URL, { repository }: { repository?: string }): Authenticator | undefined {
    return this.#known.get(keyOf(url, repository));
  }
}

function keyOf({ origin }: URL, repository: string | undefined): string {
  return `${origin} ${repository ?? ''}`;
}
