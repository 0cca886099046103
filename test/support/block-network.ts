/**
 * Setup file of the unit tests: any real connection fails, so a unit test that uses the network
 * cannot pass by luck. undici's MockAgent answers without a socket and is not affected.
 */
import net from 'node:net';

/** Something in a unit test opened a connection. */
export class NetworkBlockedError extends Error {
  constructor(target: string) {
    super(
      `unit tests may not use the network, and this one connects to ${target}; use MockAgent, or a contract test`,
    );
    this.name = 'NetworkBlockedError';
  }
}

/**
 * What `connect` was called with, as an address: (port, host), (path), (options), or node's own
 * normalised array.
 */
function describe(args: unknown[]): string {
  const first: unknown = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (typeof first !== 'object' || first === null)
    return args.filter((arg) => typeof arg !== 'function').join(' ');
  const { path, host, port } = first as { path?: string; host?: string; port?: number };
  return path ?? `${host ?? 'localhost'}:${port}`;
}

// Every client ends up here: net.connect, tls.connect (its socket or the one below it), node:http,
// undici.
net.Socket.prototype.connect = function connect(...args: unknown[]): never {
  throw new NetworkBlockedError(describe(args));
};
