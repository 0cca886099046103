import type { Authorizer } from '../auth/authenticator.ts';
import type { CredentialSource } from '../auth/credentials.ts';
import { Exchange, type ExchangeOptions } from '../exchange.ts';
import { apiUrl } from '../operations/paths.ts';
import { RefusedFeatures } from '../refused-features.ts';
import { StreamLimit } from '../stream-limit.ts';
import { discard } from '../transport/body.ts';
import { DockerHubTags, withRetryAfter } from './docker-hub.ts';
import { anonymous, DockerHubLogin } from './docker-hub-login.ts';
import { HarborLogin, HarborTags, isHarborChallenge } from './harbor.ts';
import { QuayTags } from './quay.ts';
import type { TagApi, TagApiChoice } from './tag-api.ts';

/** What an API shares with the registry's client. */
export interface TagApiOptions
  extends Pick<ExchangeOptions, 'side' | 'registry' | 'transport' | 'retry' | 'onClosed'> {
  /** Of the registry. */
  endpoint: URL;
  credentials: CredentialSource | undefined;
}

/**
 * Opens an API that lists tags. Undefined if the registry has none after all, and `unknown` if it
 * did not answer: the distribution API then tells what is wrong.
 */
export async function openTagApi(
  choice: TagApiChoice,
  options: TagApiOptions,
  signal?: AbortSignal,
): Promise<TagApi | 'unknown' | undefined> {
  const { endpoint, credentials } = options;
  switch (choice.kind) {
    case 'docker-hub': {
      // Its rate limit, some requests a minute, is not the registry's, which stays open: events
      // must not wait for lists. A list waits in place, and fails by a limit that lasts longer.
      // Its errors name it, so that nobody takes them for the registry's.
      const hub = new URL(choice.endpoint);
      const transport = withRetryAfter(options.transport);
      const api = { ...options, registry: hub.host, transport, onClosed: undefined };
      const open = (authorizer: Authorizer) => exchangeWith(hub, authorizer, api);
      return new DockerHubTags(open(new DockerHubLogin(credentials, open)));
    }
    case 'quay':
      return new QuayTags(exchangeWith(endpoint, anonymous(), options));
    case 'harbor':
      return new HarborTags(exchangeWith(endpoint, new HarborLogin(credentials), options));
    case 'given':
      return choice.api;
    case 'detect': {
      const isHarbor = await looksLikeHarbor(options, signal);
      if (isHarbor === undefined) return 'unknown';
      return isHarbor ? await openTagApi({ kind: 'harbor' }, options, signal) : undefined;
    }
  }
}

/** Streams and refused features are not shared: this is another service. */
function exchangeWith(endpoint: URL, authenticator: Authorizer, options: TagApiOptions): Exchange {
  const { side, registry, transport, retry, onClosed } = options;
  return new Exchange({
    side,
    registry,
    hosts: { endpoint, authHosts: [], redirectHosts: [] },
    transport,
    authenticator,
    // The distribution API is there if this one fails.
    retry: { ...retry, attempts: Math.min(2, retry.attempts) },
    streams: new StreamLimit(),
    refused: new RefusedFeatures(),
    onClosed,
  });
}

/** Whether the registry asks for a login as Harbor does; undefined if it does not answer. */
async function looksLikeHarbor(
  { endpoint, transport }: TagApiOptions,
  signal?: AbortSignal,
): Promise<boolean | undefined> {
  try {
    const answer = await transport({ method: 'GET', url: apiUrl(endpoint), headers: {}, signal });
    await discard(answer.body);
    if (answer.status >= 500 || answer.status === 429) return undefined;
    return answer.status === 401 && isHarborChallenge(answer.header('www-authenticate'));
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}
