import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { onTestFinished } from 'vitest';

export interface TestProxy {
  url: string;
  host: string;
  /** What it was asked for: `CONNECT host:443`, `GET http://host/path`. */
  asked: string[];
}

/**
 * An HTTP proxy that forwards and tunnels, and resolves names from a table instead of DNS:
 * `{'registry.example:80': '127.0.0.1:5000'}`. A name that is not in it is answered with 502.
 * Stopped when the test ends.
 *
 * @param authorization the `Proxy-Authorization` that it requires
 */
export async function startTestProxy(
  names: Record<string, string>,
  authorization?: string,
): Promise<TestProxy> {
  const asked: string[] = [];
  const server = createServer((near, answer) => {
    const url = new URL(near.url ?? '');
    asked.push(`${near.method} ${url.origin}${url.pathname}`);
    if (authorization !== undefined && near.headers['proxy-authorization'] !== authorization) {
      answer.writeHead(407, { 'proxy-authenticate': 'Basic' }).end();
      return;
    }
    const target = names[`${url.hostname}:${url.port || 80}`];
    if (target === undefined) {
      answer.writeHead(502).end('no such host');
      return;
    }
    const headers = { ...near.headers };
    delete headers['proxy-authorization'];
    const far = request(`http://${target}${url.pathname}${url.search}`, { method: near.method, headers });
    far.on('response', (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    far.on('error', () => answer.destroy());
    near.pipe(far);
  });
  server.on('connect', (near, socket) => {
    asked.push(`CONNECT ${near.url}`);
    const target = names[near.url ?? ''];
    const refused = authorization !== undefined && near.headers['proxy-authorization'] !== authorization;
    if (target === undefined || refused) {
      socket.end(`HTTP/1.1 ${refused ? '407 Proxy Authentication Required' : '502 Bad Gateway'}\r\n\r\n`);
      return;
    }
    const [host, port] = target.split(':');
    const far = connect(Number(port), host);
    far.once('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.pipe(socket);
      socket.pipe(far);
    });
    for (const [one, other] of [
      [far, socket],
      [socket, far],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: `http://${host}`, host, asked };
}
