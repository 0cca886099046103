import { isIP } from 'node:net';
import * as tls from 'node:tls';
import { rootCertificates } from 'node:tls';

/** How registries are reached, apart from their addresses. */
export interface NetworkSettings {
  /** Undefined: without a proxy. */
  proxy?: ProxySettings | undefined;
  /** PEM certificates of additional authorities; those that Node trusts stay trusted. */
  certificates?: string | undefined;
  /**
   * Host and port of the runtime API, within a function of AWS Lambda: never connected to, and no
   * name may lead to this machine.
   */
  runtimeApi?: string | undefined;
}

export interface ProxySettings {
  /**
   * The URL of the proxy for `https://` addresses, which are reached through a CONNECT tunnel; if
   * absent, they are reached directly.
   */
  https?: string | undefined;
  /** The URL of the proxy for `http://` addresses. */
  http?: string | undefined;
  /**
   * Hosts that are reached without a proxy, as in NO_PROXY: names, including their subdomains, and
   * addresses, separated by commas.
   */
  noProxy?: string | undefined;
}

/** This machine is never reached through a proxy, as with Go's http.ProxyFromEnvironment. */
const ownNames = 'localhost,127.0.0.1,::1';

/** The list of hosts that are reached without a proxy, including this machine. */
export function withoutProxy({ noProxy = '' }: ProxySettings): string {
  return noProxy.trim() === '*' ? '*' : [ownNames, noProxy].filter((part) => part !== '').join(',');
}

/** Whether a URL's host is on the list of those that are reached without a proxy. */
export function isWithoutProxy({ hostname, port, protocol }: URL, proxy: ProxySettings): boolean {
  const list = withoutProxy(proxy);
  if (list === '*') return true;
  const host = withoutBrackets(hostname);
  const asked = port || (protocol === 'http:' ? '80' : '443');
  return list.split(/[\s,]+/).some((written) => {
    const entry = written.toLowerCase().replace(/^\*?\./, '');
    const [, name = entry, only = asked] = (isIP(entry) === 0 && /^(.+):(\d+)$/.exec(entry)) || [];
    const listed = withoutBrackets(name);
    return listed !== '' && only === asked && (host === listed || host.endsWith(`.${listed}`));
  });
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

/**
 * All trusted authorities: Node's, those of NODE_EXTRA_CA_CERTS, and these. Undefined keeps Node's
 * default.
 */
export function trustedAuthorities(certificates: string | undefined): string[] | undefined {
  if (certificates === undefined) return undefined;
  // Since Node 22.15: https://nodejs.org/api/tls.html#tlsgetcacertificatestype
  const known = tls.getCACertificates?.('default') ?? rootCertificates;
  return [...known, certificates];
}
