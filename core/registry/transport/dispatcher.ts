import type { LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import type { Connections } from './connections.ts';
import { type NetworkSettings, trustedAuthorities } from './network.ts';
import { proxyConnections } from './proxy-connections.ts';
import { ReadBuffers } from './read-buffers.ts';
import type { Timeouts } from './transport.ts';

/** One for all registries: what is read from one is written to another. */
const readBuffers = new ReadBuffers();

/**
 * A pool of kept-alive connections per host. HTTP/1.1 only: blobs are large and want connections of
 * their own, whose flow control is the kernel's; with HTTP/2 they would share one, and node's
 * per-frame work costs more than the headers it saves.
 *
 * Plain connections read up to 256 KiB at once, a quarter of the events of node's 64 KiB, into
 * buffers that are used again. TLS has records of 16 KiB, which node hands out one by one.
 *
 * @param lookup resolves names, and may refuse them; addresses do not come to it
 */
export function createConnections(
  timeouts: Timeouts,
  lookup: LookupFunction,
  network: NetworkSettings = {},
): Connections {
  const { proxy, certificates } = network;
  const ca = trustedAuthorities(certificates);
  const options = { timeout: timeouts.connectMs, lookup, allowH2: false, ...(ca && { ca }) };
  const secure = buildConnector(options);
  const plain: buildConnector.connector = (target, done) => {
    // undici hands what it does not know on to net.connect; its types do not list it.
    const read = { ...options, onread: readBuffers.reader() } as buildConnector.BuildOptions;
    buildConnector(read)(target, (...result) => {
      if (result[1]) readBuffers.watch(result[1]);
      done(...result);
    });
  };
  const direct = new Agent({
    allowH2: false,
    pipelining: 1,
    // Below the 60 s after which common load balancers close an idle connection.
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 60_000,
    connect: (target, done) => (target.protocol === 'https:' ? secure : plain)(target, done),
  });
  if (proxy) return proxyConnections(proxy, { direct, certificates, timeouts, guard: lookup });
  return {
    dispatcherFor: () => direct,
    connected({ origin }) {
      const stats = direct.stats[origin];
      return stats ? Number(stats.connected) + stats.pending : 0;
    },
    destroy: () => direct.destroy(),
  };
}
