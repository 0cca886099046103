import { internalTarget } from './addresses.ts';

/** Which hosts a registry consists of, as the configuration says. */
export interface RegistryHosts {
  endpoint: URL;
  /** Hosts (`host` or `host:port`) besides the endpoint's that credentials may go to. */
  authHosts: readonly string[];
  /** Hosts that reads may be redirected to although they are at internal addresses. */
  redirectHosts: readonly string[];
}

/**
 * Whether a URL is on a host that may see the registry's credentials: the endpoint's own, port
 * included, or one of `authHosts`.
 */
export function isTrusted(url: URL, { endpoint, authHosts }: Omit<RegistryHosts, 'redirectHosts'>): boolean {
  return url.host === endpoint.host || isListed(url, authHosts);
}

/** Whether a list names a URL's host; `host` without a port means the scheme's usual one. */
export function isListed(url: URL, hosts: readonly string[]): boolean {
  return hosts.some((host) => URL.parse(`${url.protocol}//${host}`)?.host === url.host);
}

/**
 * Why a redirect of a read is not followed to an internal address; undefined if it may be: the
 * configuration lists the host, or the registry is at an address of that kind itself.
 */
export function refusedTarget(url: URL, { endpoint, redirectHosts }: RegistryHosts): string | undefined {
  return isListed(url, redirectHosts) ? undefined : internalTarget(url, endpoint);
}
