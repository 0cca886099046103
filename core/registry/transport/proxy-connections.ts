import type { LookupFunction } from 'node:net';
import { type Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import type { Connections } from './connections.ts';
import {
  isWithoutProxy,
  type NetworkSettings,
  type ProxySettings,
  trustedAuthorities,
  withoutProxy,
} from './network.ts';
import type { Timeouts } from './transport.ts';

/**
 * A name that is not resolved here within this time is left to the proxy: behind many proxies,
 * names can't be resolved at all.
 */
const lookupWithinMs = 1_000;

/** Options of connections through a proxy, besides the proxy itself. */
export interface ProxyConnectionsOptions extends Pick<NetworkSettings, 'certificates'> {
  /** For hosts that are reached without a proxy. */
  direct: Agent;
  timeouts: Timeouts;
  /** Resolves names, and may refuse them. */
  guard: LookupFunction;
}

/**
 * Connections through a proxy, except to the hosts that are reached without one.
 *
 * The proxy resolves names, so the guard against internal addresses can't see where a connection
 * ends. Therefore a name is resolved here as well, and refused if it leads to this machine or to a
 * link-local address. A name that only the proxy can resolve is left to the proxy.
 */
export function proxyConnections(
  proxy: ProxySettings,
  { direct, certificates, timeouts, guard }: ProxyConnectionsOptions,
): Connections {
  const ca = trustedAuthorities(certificates);
  const secure = { timeout: timeouts.connectMs, ...(ca && { ca }) };
  const proxied = new EnvHttpProxyAgent({
    // An empty string means no proxy; undefined would mean the environment's.
    httpProxy: proxy.http ?? '',
    httpsProxy: proxy.https ?? '',
    noProxy: withoutProxy(proxy),
    allowH2: false,
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 60_000,
    requestTls: secure,
    proxyTls: secure,
  });
  const judged = new Map<string, Promise<Error | undefined>>();
  return {
    // Without a proxy for https, undici would use the one for http. Its own connections without a
    // proxy would not be guarded.
    dispatcherFor: (url): Dispatcher =>
      (url.protocol === 'https:' && proxy.https === undefined) || isWithoutProxy(url, proxy)
        ? direct
        : proxied,
    async check(url) {
      // The connection's own resolution is guarded.
      if (isWithoutProxy(url, proxy)) return;
      const { hostname } = url;
      const answer = judged.get(hostname) ?? refusalOf(hostname, guard);
      judged.set(hostname, answer);
      const refusal = await answer;
      if (refusal) throw refusal;
    },
    async destroy() {
      await Promise.all([direct.destroy(), proxied.destroy()]);
    },
  };
}

/** Why a name is refused; undefined if it is allowed, or can't be resolved here. */
function refusalOf(hostname: string, guard: LookupFunction): Promise<Error | undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), lookupWithinMs).unref();
    guard(hostname, { all: true }, (error) => {
      resolve(error && (error as NodeJS.ErrnoException).code === 'ADDRESS_REFUSED' ? error : undefined);
    });
  });
}
