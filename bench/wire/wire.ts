import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { interruptible } from '../interruption.ts';
import type { WireCounts } from './counts.ts';
import type { Answer, Ask } from './process.ts';
import type { WireOptions } from './relay.ts';

/** A simulated wire in front of a registry: a proxy on loopback in a process of its own. */
export interface Wire extends AsyncDisposable {
  /** 127.0.0.1:PORT, for clients. */
  host: string;
  /** Puts it in front of another registry (127.0.0.1:PORT) and resets its counts. */
  reset(registry: string): Promise<void>;
  /** What has passed over it since; waits a moment for open connections. */
  read(): Promise<WireCounts>;
}

/** The wire on which figures are compared: 50 ms round trip, 15 MB/s for each stream. */
export const usualWire: WireOptions = { roundTripMs: 50, streamBytesPerSecond: 15e6 };

/** The wire of one of several processes: 5 MB/s for each stream, 10 MB/s for all. */
export const narrowWire: WireOptions = {
  roundTripMs: 50,
  streamBytesPerSecond: 5e6,
  totalBytesPerSecond: 10e6,
};

/** Starts a wire; it leads nowhere until its first reset. */
export function startWire(options: WireOptions = usualWire): Promise<Wire> {
  return interruptible(() => forkWire(options));
}

async function forkWire(options: WireOptions): Promise<Wire> {
  const child = fork(join(import.meta.dirname, 'process.ts'), { execArgv: [] });
  const exited = once(child, 'exit');
  const failed = exited.then(([code]): never => {
    throw new Error(`the wire's process ended with ${code}`);
  });
  failed.catch(() => {});
  const ask = async (message: Ask): Promise<Answer> => {
    child.send(message);
    const [answer] = await Promise.race([once(child, 'message'), failed]);
    return answer as Answer;
  };
  const listening = await ask({ ask: 'listen', options });
  if (!('port' in listening)) throw new Error('the wire has no port');
  return {
    host: `127.0.0.1:${listening.port}`,
    async reset(registry: string) {
      await ask({ ask: 'reset', target: Number(registry.split(':')[1]) });
    },
    async read() {
      const answer = await ask({ ask: 'read' });
      if (!('counts' in answer)) throw new Error('the wire has no counts');
      return answer.counts;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
