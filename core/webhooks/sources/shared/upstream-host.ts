import type { Upstream } from '../../../config/config.ts';
import { httpUrl } from '../../../config/fields.ts';
import { type EventReading, excerpt, ignore } from './outcome.ts';

/**
 * Whether a host that a payload names is the upstream: its registry, its endpoint's host or the
 * webhook's option `host`. Clients leave out the scheme's default port; proxies may include it.
 *
 * @param option the webhook's option `host`
 */
export function isUpstreamHost(upstream: Upstream, host: string, option?: string): boolean {
  const endpoint = new URL(upstream.endpoint);
  const port = endpoint.port || (endpoint.protocol === 'http:' ? '80' : '443');
  const names = [upstream.registry, endpoint.host, `${endpoint.hostname}:${port}`, option];
  return names.includes(host.toLowerCase());
}

/**
 * The host and port of a URL in a payload; undefined if it is not a URL. The URL is never fetched.
 */
export function urlHost(text: string): string | undefined {
  return httpUrl(text)?.host;
}

/**
 * The reading of an event from another registry than the upstream, according to
 * {@link isUpstreamHost}.
 *
 * @param path the host's path in the payload
 */
export function otherRegistry(path: string, host: string, upstream: Upstream): EventReading {
  return ignore(
    `other_registry: ${path} is ${excerpt(host)}, and the webhook’s upstream is ${upstream.registry}; see webhook.options.host`,
  );
}
