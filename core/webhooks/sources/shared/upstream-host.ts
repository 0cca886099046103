import type { Upstream } from '../../../config/config.ts';
import { httpUrl } from '../../../config/fields.ts';
import { type EventReading, excerpt, ignore } from './outcome.ts';

/**
 * Whether a host that a payload names is the upstream: its registry, its endpoint's host or the
 * webhook's option `host`. Clients leave out the port where it is the scheme's own, proxies may
 * not.
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
 * The host, with its port, of a URL in a payload, which is read and never fetched; undefined where
 * it is none.
 */
export function urlHost(text: string): string | undefined {
  return httpUrl(text)?.host;
}

/**
 * An event of a registry that is not the upstream, as {@link isUpstreamHost} says.
 *
 * @param path where the host stands in the payload
 */
export function otherRegistry(path: string, host: string, upstream: Upstream): EventReading {
  return ignore(
    `other_registry: ${path} is ${excerpt(host)}, and the webhook’s upstream is ${upstream.registry}; see webhook.options.host`,
  );
}
