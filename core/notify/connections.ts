import type { LookupFunction } from 'node:net';
import { guardedLookup, internalAddress } from '../registry/transport/addresses.ts';
import type { Connections } from '../registry/transport/connections.ts';
import { createConnections } from '../registry/transport/dispatcher.ts';
import type { NetworkSettings } from '../registry/transport/network.ts';
import { defaultTimeouts } from '../registry/transport/transport.ts';

/** A host that no address belongs to (RFC 6761, 6.4), for a guard that trusts no name. */
const nowhere = new URL('https://endpoint.invalid');

/**
 * Connections to an endpoint of `notify`. Its name is resolved when an event is delivered, by
 * whoever owns the name, so it may not lead to this machine or to a link-local address, unless the
 * configuration itself says `localhost`. Private addresses are allowed: receivers are often in a
 * private network.
 *
 * @param lookup for tests
 */
export function endpointConnections(
  url: URL,
  network: NetworkSettings | undefined,
  lookup?: LookupFunction,
): Connections {
  const trusted = internalAddress(url.hostname) === 'loopback' ? [url.hostname] : [];
  return createConnections(
    defaultTimeouts,
    guardedLookup(nowhere, trusted, { lookup, inFunction: network?.runtimeApi !== undefined }),
    network,
  );
}
