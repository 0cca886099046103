import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LossyProxy {
  url: string;
  /**
   * A request reaches the server, and its answer is lost: the next one, or the one after this many.
   */
  loseNext(skip?: number): void;
  /** How many answers were lost. */
  lost: number;
  stop(): Promise<void>;
}

/**
 * An HTTP proxy before an AWS emulator that can lose an answer. The client cannot tell, and sends
 * the request again.
 */
export async function startLossyProxy(target: string): Promise<LossyProxy> {
  let answersUntilLoss = Number.POSITIVE_INFINITY;
  const server = createServer((near, answer) => {
    const far = request(target, { method: near.method, path: near.url, headers: near.headers });
    far.on('response', (from) => {
      answersUntilLoss -= 1;
      if (answersUntilLoss < 0) {
        answersUntilLoss = Number.POSITIVE_INFINITY;
        proxy.lost += 1;
        from.resume();
        from.on('end', () => near.socket.destroy());
        return;
      }
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    far.on('error', () => answer.destroy());
    near.pipe(far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: LossyProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    loseNext: (skip = 0) => {
      answersUntilLoss = skip;
    },
    lost: 0,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
