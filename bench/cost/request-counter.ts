import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { request as send } from 'undici';

/** An endpoint of an AWS service that counts the requests which pass through it. */
export interface RequestCounter extends AsyncDisposable {
  endpoint: string;
  /** The operation and the body of each request since the last call. */
  take(): { operation: string; body: Record<string, unknown> }[];
}

/** Starts it for a service that speaks AWS JSON; the emulators check no signature. */
export async function startRequestCounter(target: string): Promise<RequestCounter> {
  const seen: ReturnType<RequestCounter['take']> = [];
  const server = createServer(async (request, response) => {
    const bytes = await buffer(request);
    seen.push({
      operation: String(request.headers['x-amz-target']).split('.').at(-1) ?? '',
      body: JSON.parse(bytes.toString('utf8')) as Record<string, unknown>,
    });
    const { host: _host, connection: _connection, ...headers } = request.headers;
    const answer = await send(new URL(request.url ?? '/', target), {
      method: 'POST',
      headers: Object.fromEntries(
        Object.entries(headers).flatMap(([name, value]) =>
          value === undefined || name === 'content-length' || name === 'transfer-encoding'
            ? []
            : [[name, String(value)]],
        ),
      ),
      body: bytes,
    });
    const answered = Buffer.from(await answer.body.arrayBuffer());
    response
      .writeHead(answer.statusCode, {
        'content-type': String(answer.headers['content-type'] ?? 'application/x-amz-json-1.0'),
      })
      .end(answered);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => seen.splice(0),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
