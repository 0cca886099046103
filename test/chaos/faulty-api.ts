import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Dice } from '../unit/webhooks/mutate.ts';

/** How likely it is that a call fails. */
export interface ApiFaults {
  /** It is refused before it takes effect. */
  throttled: number;
  /** It takes effect, and its answer is lost. */
  lost: number;
  /** How likely it is that a call begins a row of so many refused ones. */
  burst: { probability: number; calls: number };
}

export interface FaultyApiOptions {
  target: string;
  /** The body of a refused call. */
  refusal: { status: number; type: string };
  faults: ApiFaults;
  roll: Dice;
  /** Told of each call; returns whether its caller is dead. */
  onCall: (identity: string, when: 'before' | 'after') => boolean;
}

/** A proxy before an AWS emulator that refuses calls, loses answers, and ends callers. */
export interface FaultyApi {
  url: string;
  calls: number;
  refused: number;
  lost: number;
  /** Passes everything on from now on. */
  calm(): void;
  /** Begins to fail again. */
  trouble(): void;
  stop(): Promise<void>;
}

export async function startFaultyApi(options: FaultyApiOptions): Promise<FaultyApi> {
  const { target, refusal, faults, roll, onCall } = options;
  let isCalm = false;
  let refusing = 0;
  const fate = (): 'pass' | 'refuse' | 'lose' => {
    if (isCalm) return 'pass';
    if (refusing > 0) {
      refusing -= 1;
      return 'refuse';
    }
    if (roll() < faults.burst.probability) refusing = faults.burst.calls;
    const share = roll();
    if (share < faults.throttled) return 'refuse';
    return share < faults.throttled + faults.lost ? 'lose' : 'pass';
  };
  const server = createServer((near, answer) => {
    const identity = identityOf(near);
    api.calls += 1;
    if (onCall(identity, 'before')) return void near.socket.destroy();
    const what = fate();
    if (what === 'refuse') {
      api.refused += 1;
      refuse(near, answer, refusal);
      return;
    }
    const far = request(target, { method: near.method, path: near.url, headers: near.headers });
    far.on('response', (from) => {
      const isDead = onCall(identity, 'after');
      if (isDead || what === 'lose') {
        if (what === 'lose') api.lost += 1;
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
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const api: FaultyApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: 0,
    refused: 0,
    lost: 0,
    calm() {
      isCalm = true;
    },
    trouble() {
      isCalm = false;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return api;
}

/**
 * The access key of a signed request.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
function identityOf({ headers }: IncomingMessage): string {
  return /Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? '';
}

function refuse(
  near: IncomingMessage,
  answer: ServerResponse,
  { status, type }: FaultyApiOptions['refusal'],
): void {
  near.resume();
  near.on('end', () => {
    answer.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
    answer.end(JSON.stringify({ __type: type, message: 'a fault that was switched on' }));
  });
}
