import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { SeededImage, SeededManifest } from './seeded-image.ts';

/** An answer that follows no rules. */
export type Misbehaviour = (response: ServerResponse, request: IncomingMessage) => void;

/** What a hostile upstream serves, and where it misbehaves. */
export interface HostileUpstreamOptions {
  image: SeededImage;
  /** Further manifests, by digest. */
  manifests?: SeededManifest[];
  /** Instead of the image's manifest under its tag. */
  manifest?: Misbehaviour | SeededManifest;
  /** Instead of its first layer. */
  layer?: Misbehaviour;
  /** Called before everything else; true if it has answered. */
  first?: (response: ServerResponse, request: IncomingMessage) => boolean;
}

/** A registry whose answers are what the test wants. */
export interface HostileUpstream {
  host: string;
  endpoint: string;
  requests: { method: string; path: string; headers: IncomingHttpHeaders }[];
}

/** Starts a server that notes its requests; it ends with the test. */
export async function startRecordingServer(answer: Misbehaviour): Promise<HostileUpstream> {
  const requests: HostileUpstream['requests'] = [];
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push({ method, path: url, headers });
    response.on('error', () => {});
    answer(response, request);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, endpoint: `http://${host}`, requests };
}

/** Starts an upstream that serves an image, unless it is told otherwise. */
export function startHostileUpstream(options: HostileUpstreamOptions): Promise<HostileUpstream> {
  const { image, manifests = [], manifest = image.manifest, layer, first } = options;
  const byDigest = new Map([...manifests, image.manifest].map((one) => [String(one.digest), one]));
  return startRecordingServer((response, request) => {
    if (first?.(response, request)) return;
    const path = request.url ?? '';
    const name = path.slice(path.lastIndexOf('/') + 1);
    const blob = image.blobs.get(name as SeededManifest['digest']);
    if (path === '/v2/') response.end();
    else if (path.includes('/manifests/')) {
      const served = byDigest.get(name) ?? (name.startsWith('sha256:') ? undefined : manifest);
      if (typeof served === 'function') served(response, request);
      else if (served) response.writeHead(200, { 'content-type': served.mediaType }).end(served.bytes);
      else response.writeHead(404).end();
    } else if (name === image.layers[0]?.digest && layer) layer(response, request);
    else if (blob) response.writeHead(200, { 'content-length': blob.length }).end(blob);
    else response.writeHead(404).end();
  });
}

/**
 * Writes the same piece again and again, as fast as it is accepted, or once every so many
 * milliseconds.
 */
function goOnForEver(
  stream: {
    write(piece: Uint8Array): boolean;
    destroyed: boolean;
    once(event: 'drain', then: () => void): unknown;
  },
  piece: Uint8Array,
  everyMs?: number,
): void {
  const more = () => {
    if (stream.destroyed) return;
    if (everyMs !== undefined) {
      stream.write(piece);
      setTimeout(more, everyMs);
    } else if (stream.write(piece)) setImmediate(more);
    else stream.once('drain', more);
  };
  more();
}

/** An answer with this body. */
export function answerWith(bytes: Uint8Array, headers: Record<string, string> = {}): Misbehaviour {
  return (response) => response.writeHead(200, headers).end(bytes);
}

/** An answer whose body never ends; with `everyMs` a byte at a time. */
export function endlessBody(headers: Record<string, string> = {}, everyMs?: number): Misbehaviour {
  return (response) => {
    response.writeHead(200, headers);
    goOnForEver(response, Buffer.alloc(everyMs === undefined ? 65_536 : 1, ' '), everyMs);
  };
}

/** What an HTTP server would not send: a beginning, and then the same piece forever. */
export function pastHttp(start: string, piece: string, everyMs?: number): Misbehaviour {
  return (_, { socket }) => {
    socket.write(start);
    goOnForEver(socket, Buffer.from(piece), everyMs);
  };
}
