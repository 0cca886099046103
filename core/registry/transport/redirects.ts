import { type RegistryHosts, refusedTarget } from './trusted-hosts.ts';

/** The most redirects that are followed for one request. */
export const maxRedirects = 5;

/**
 * Where an answer points to, or why it is not followed (a clause for an error, without secrets).
 */
export type Destination =
  | { ok: true; url: URL; sameOrigin: boolean }
  /** `internal`: the host, if the only objection is that its address is internal. */
  | { ok: false; reason: string; internal?: string };

/** Whether an answer is a redirect that a GET or HEAD follows (RFC 9110, 15.4). */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** Whether an answer is a redirect that repeats method and body (RFC 9110, 15.4.8 and 15.4.9). */
export function repeatsMethod(status: number): boolean {
  return status === 307 || status === 308;
}

/**
 * Resolves a `Location` against the URL that answered it. It may be relative (RFC 9110, 10.2.2) and
 * may name another host, which then gets no Authorization: `sameOrigin` compares scheme, host and
 * port. Refused are schemes other than http and https, a downgrade from https to http, a user in
 * the URL (credentials that we did not choose), and internal addresses (loopback, link-local,
 * private) unless the endpoint is of that kind itself, or `redirectHosts` lists the host.
 *
 * @param hosts the registry's
 * @param from the URL that answered
 */
export function resolveLocation(hosts: RegistryHosts, from: URL, location: string | undefined): Destination {
  if (location === undefined || location.trim() === '') {
    return { ok: false, reason: 'the answer has no Location' };
  }
  let url: URL;
  try {
    url = new URL(location, from);
  } catch {
    return { ok: false, reason: 'the answer’s Location is not a URL' };
  }
  url.hash = '';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return { ok: false, reason: `the answer’s Location has the scheme ${url.protocol.slice(0, 20)}` };
  }
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    return { ok: false, reason: `the answer’s Location downgrades from https to http (${url.host})` };
  }
  if (url.username !== '' || url.password !== '') {
    return { ok: false, reason: `the answer’s Location names a user (${url.host})` };
  }
  const internal = refusedTarget(url, hosts);
  if (internal !== undefined)
    return { ok: false, reason: `the answer’s Location leads to ${internal}`, internal: url.host };
  return { ok: true, url, sameOrigin: url.origin === from.origin };
}

/**
 * The next hop of a chain of redirects.
 *
 * @param hosts the registry's
 * @param chain the URLs asked so far, the first being the original, the last the one that answered
 */
export function nextHop(
  hosts: RegistryHosts,
  chain: readonly URL[],
  location: string | undefined,
): Destination {
  const from = chain.at(-1);
  if (!from) throw new TypeError('chain: is empty; give at least the URL that answered');
  const next = resolveLocation(hosts, from, location);
  if (!next.ok) return next;
  if (chain.some((url) => url.href === next.url.href)) {
    return { ok: false, reason: `the redirects go in a circle (${next.url.host})` };
  }
  if (chain.length > maxRedirects) {
    return {
      ok: false,
      reason: `there are more than ${maxRedirects} redirects (the last to ${next.url.host})`,
    };
  }
  return next;
}
