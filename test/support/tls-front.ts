import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';
import { onTestFinished } from 'vitest';

export interface TlsFront {
  /** `127.0.0.1:PORT` */
  host: string;
  /** PEM of the self-signed certificate. */
  certificate: string;
}

/**
 * Puts TLS before a plain registry, with its own certificate for these names; stopped when the test
 * ends.
 */
export async function startTlsFront(target: string, names: string[] = []): Promise<TlsFront> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'drayage test' }], {
    extensions: [
      { name: 'basicConstraints', cA: true },
      {
        name: 'subjectAltName',
        altNames: [{ type: 7, ip: '127.0.0.1' }, ...names.map((value) => ({ type: 2 as const, value }))],
      },
    ],
  });
  const server = createServer({ key, cert }, (near, answer) => {
    const far = request(new URL(near.url ?? '/', target), { method: near.method, headers: near.headers });
    far.on('response', (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    far.on('error', () => answer.destroy());
    near.pipe(far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, certificate: cert };
}
