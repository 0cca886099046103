import { internalTarget, isMetadataAddress } from './addresses.ts';

/** The hosts that belong to a registry, according to the configuration. */
export interface RegistryHosts {
  endpoint: URL;
  /** Hosts (`host` or `host:port`) that credentials may be sent to besides the endpoint's. */
  authHosts: readonly string[];
  /** Hosts that reads may be redirected to even if they are at internal addresses. */
  redirectHosts: readonly string[];
}

/**
 * Whether a URL is on a host that may see the registry's credentials: the endpoint's own, including
 * its port, or one of `authHosts`.
 */
export function isTrusted(url: URL, { endpoint, authHosts }: Omit<RegistryHosts, 'redirectHosts'>): boolean {
  return url.host === endpoint.host || isListed(url, authHosts);
}

/** Whether a list names a URL's host; `host` without a port means the scheme's usual one. */
export function isListed(url: URL, hosts: readonly string[]): boolean {
  return hosts.some((host) => URL.parse(`${url.protocol}//${host}`)?.host === url.host);
}

/**
 * Why a read's redirect to an internal address is not followed. Undefined if it is allowed: the
 * configuration lists the host, or the registry itself is at an address of that kind. Listing a
 * link-local address does not help.
 */
export function refusedTarget(url: URL, { endpoint, redirectHosts }: RegistryHosts): string | undefined {
  const isAllowed = isListed(url, redirectHosts) && !isMetadataAddress(url.hostname);
  return isAllowed ? undefined : internalTarget(url, endpoint);
}
