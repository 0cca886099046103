import type { LookupFunction, Socket } from 'node:net';
import { Agent, buildConnector } from 'undici';
import type { Timeouts } from './transport.ts';

/** The most that is read of a plain connection at once, bytes. */
const readBytes = 256 * 1024;
/** A buffer with less room than this is left to those who still hold its parts. */
const leastRoomBytes = 32 * 1024;

/**
 * A pool of kept-alive connections per host. HTTP/1.1 only: blobs are large and want connections of their own, whose flow
 * control is the kernel's; with HTTP/2 they would share one, and node's per-frame work costs more than the headers it saves.
 *
 * @param lookup resolves names, and may refuse them; addresses do not come to it
 */
export function createDispatcher(timeouts: Timeouts, lookup: LookupFunction): Agent {
  const options = { timeout: timeouts.connectMs, lookup, allowH2: false };
  const secure = buildConnector(options);
  return new Agent({
    allowH2: false,
    pipelining: 1,
    // Below the 60 s after which common load balancers close an idle connection.
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 60_000,
    connect: (target, done) =>
      target.protocol === 'https:'
        ? secure(target, done)
        : buildConnector({ ...options, onread: largeReads() } as buildConnector.BuildOptions)(target, done),
  });
}

/**
 * Reads of up to 256 KiB instead of node’s 64 KiB: a quarter of the events for the same bytes. For plain connections alone, since TLS
 * has records of 16 KiB. What is read goes into the socket's stream as always; many small reads share one buffer.
 * https://nodejs.org/docs/latest-v24.x/api/net.html#new-netsocketoptions
 */
function largeReads() {
  let room = Buffer.alloc(0);
  let used = 0;
  return {
    buffer(): Buffer {
      room = room.subarray(used);
      used = 0;
      if (room.byteLength < leastRoomBytes) room = Buffer.allocUnsafeSlow(readBytes);
      return room;
    },
    callback(this: Socket, count: number, buffer: Buffer): boolean {
      used = count;
      return this.push(buffer.subarray(0, count));
    },
  };
}
