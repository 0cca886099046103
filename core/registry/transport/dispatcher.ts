import type { LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { AddressRefusedError, internalAddress } from './addresses.ts';
import type { Connections } from './connections.ts';
import { type NetworkSettings, trustedAuthorities } from './network.ts';
import { proxyConnections } from './proxy-connections.ts';
import { ReadBuffers } from './read-buffers.ts';
import type { Timeouts } from './transport.ts';

/** One instance for all registries: bytes read from one are written to another. */
const readBuffers = new ReadBuffers();

/**
 * A pool of kept-alive connections per host. HTTP/1.1 only: blobs are large and need their own
 * connections, with the kernel's flow control. With HTTP/2 they would share one, and node's work
 * per frame costs more than the headers that it saves.
 *
 * Plain connections read up to 512 KiB at once into reused buffers, which needs an eighth of the
 * events of node's 64 KiB. TLS has records of 16 KiB, which node delivers one by one.
 *
 * @param lookup resolves names, and may refuse them; it is not called for addresses
 */
export function createConnections(
  timeouts: Timeouts,
  lookup: LookupFunction,
  network: NetworkSettings = {},
): Connections {
  const { proxy, certificates, runtimeApi } = network;
  const ca = trustedAuthorities(certificates);
  const options = { timeout: timeouts.connectMs, lookup, allowH2: false, ...(ca && { ca }) };
  const secure = buildConnector(options);
  const plain: buildConnector.connector = (target, done) => {
    // undici passes unknown options on to net.connect; its types do not list this one.
    const read = { ...options, onread: readBuffers.reader() } as buildConnector.BuildOptions;
    buildConnector(read)(target, (...result) => {
      if (result[1]) readBuffers.watch(result[1]);
      done(...result);
    });
  };
  const direct = new Agent({
    allowH2: false,
    pipelining: 1,
    // Less than the 60 s after which common load balancers close an idle connection.
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 60_000,
    connect: (target, done) => {
      if (isRuntimeApi(target, runtimeApi))
        return done(new AddressRefusedError(`${target.host} is the runtime API of AWS Lambda`), null);
      (target.protocol === 'https:' ? secure : plain)(target, done);
    },
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

/**
 * Whether a connection would go to the runtime API, however it is spelled: it hands out events and
 * takes answers, without any authentication.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
function isRuntimeApi(
  { hostname, port, protocol }: Pick<buildConnector.Options, 'hostname' | 'port' | 'protocol'>,
  runtimeApi: string | undefined,
): boolean {
  if (runtimeApi === undefined) return false;
  const api = URL.parse(`http://${runtimeApi}`);
  const asked = port || (protocol === 'https:' ? '443' : '80');
  return (
    asked === (api?.port || '80') && (hostname === api?.hostname || internalAddress(hostname) === 'loopback')
  );
}
