/**
 * The process of one wire, forked by {@link file://./wire.ts}: its work must not compete with what
 * is measured. Ends with its parent.
 */
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs, noCounts, type WireCounts } from './counts.ts';
import { Pace } from './pace.ts';
import { relay, type WireOptions, type WireState } from './relay.ts';

/** The parent's requests; each is answered by an {@link Answer}. */
export type Ask =
  | { ask: 'listen'; options: WireOptions }
  /** Resets the counts; new connections go to this port on loopback. */
  | { ask: 'reset'; target: number }
  /** Waits for the connections to end, then returns the counts. */
  | { ask: 'read' };

export type Answer = { port: number } | { counts: WireCounts };

const connectionsEndWithinMs = 500;
const open = new Set<Socket>();
const wire: WireState = {
  options: { roundTripMs: 0, streamBytesPerSecond: Number.POSITIVE_INFINITY },
  target: 0,
  counts: noCounts(),
};
let cpuBefore = process.cpuUsage();

const server = createServer({ noDelay: true }, async (client) => {
  open.add(client);
  await relay(client, wire);
  open.delete(client);
});

async function answer(message: Ask): Promise<Answer> {
  if (message.ask === 'listen') {
    wire.options = message.options;
    const { totalBytesPerSecond } = message.options;
    if (totalBytesPerSecond !== undefined) wire.total = new Pace(totalBytesPerSecond, monotonicMs());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  } else if (message.ask === 'reset') {
    wire.target = message.target;
    wire.counts = noCounts();
    cpuBefore = process.cpuUsage();
  } else {
    for (const until = monotonicMs() + connectionsEndWithinMs; open.size > 0 && monotonicMs() < until; ) {
      await sleep(5);
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    wire.counts.ownCpuSeconds = (user + system) / 1e6;
    return { counts: wire.counts };
  }
  const address = server.address();
  return { port: typeof address === 'object' && address ? address.port : 0 };
}

process.on('message', async (message: Ask) => process.send?.(await answer(message)));
process.on('disconnect', () => process.exit());
// An interrupted bench ends its wires itself, after whatever uses them.
process.on('SIGINT', () => {});
