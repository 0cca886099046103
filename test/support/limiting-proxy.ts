import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface LimitingProxy {
  host: string;
  endpoint: string;
  /** Sizes of the bodies that were refused. */
  refused: number[];
  /** Sizes of the bodies that were passed on. */
  passed: number[];
}

/**
 * An HTTP proxy before a registry that answers 413 to larger bodies at once, as nginx and
 * Cloudflare do; stopped when the test ends.
 *
 * @param closes whether it closes the connection instead, so that its answer is lost
 */
export async function startLimitingProxy(
  target: string,
  maxBytes: number,
  { closes = false } = {},
): Promise<LimitingProxy> {
  const refused: number[] = [];
  const passed: number[] = [];
  const server = createServer((near, answer) => {
    const size = Number(near.headers['content-length'] ?? 0);
    if (size > maxBytes) {
      refused.push(size);
      if (closes) {
        near.socket.resetAndDestroy();
        return;
      }
      answer.writeHead(413, { 'content-type': 'text/html' }).end('<html>413 Request Entity Too Large</html>');
      return;
    }
    if (near.method === 'PUT' || near.method === 'PATCH') passed.push(size);
    const far = request(new URL(near.url ?? '/', target), { method: near.method, headers: near.headers });
    far.on('response', (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    far.on('error', () => answer.destroy());
    near.on('error', () => far.destroy());
    near.pipe(far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, endpoint: `http://${host}`, refused, passed };
}
