import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { countRequest, monotonicMs, type WireCounts } from './counts.ts';
import { MessageReader, type Part, requestBody, responseBody, statusOf } from './framing.ts';
import { Pace } from './pace.ts';

/** How a wire behaves. */
export interface WireOptions {
  /**
   * A request waits this long before it is forwarded, in milliseconds; the first on a connection
   * waits three times as long.
   */
  roundTripMs: number;
  /** The limit of each body, in each direction. */
  streamBytesPerSecond: number;
  /** The limit of all bodies together, in both directions; absent: none. */
  totalBytesPerSecond?: number;
}

/** The state that a wire's connections share. */
export interface WireState {
  options: WireOptions;
  /** The registry's port on loopback. */
  target: number;
  counts: WireCounts;
  total?: Pace;
}

interface Asked {
  method: string;
  isPing: boolean;
}

/** A connection to a TLS server starts with this byte (RFC 8446 §5.1). */
const tlsHandshake = 0x16;
const notTls = 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

/**
 * Relays one client connection over its own connection to the registry. Bytes are unchanged, only
 * delayed, so `Host`, and with it the registry's `Location`, is the wire's. Resolves when either
 * side is gone.
 */
export async function relay(client: Socket, wire: WireState): Promise<void> {
  const registry = connect({ port: wire.target, host: '127.0.0.1', noDelay: true });
  const sockets = [client, registry];
  for (const socket of sockets) socket.on('error', () => sockets.map((each) => each.destroy()));
  const asked: Asked[] = [];
  try {
    await Promise.race([
      carryRequests(client, registry, wire, asked),
      carryAnswers(registry, client, wire, asked),
    ]);
  } catch {
    // If one side disconnects midway, so does the other.
  } finally {
    for (const socket of sockets) socket.destroySoon();
  }
}

async function carryRequests(
  client: Socket,
  registry: Socket,
  wire: WireState,
  asked: Asked[],
): Promise<void> {
  const { roundTripMs } = wire.options;
  const reader = new MessageReader(requestBody);
  const body = new PacedBody(wire);
  let isFirst = true;
  for await (const chunk of client as AsyncIterable<Buffer>) {
    if (isFirst && chunk[0] === tlsHandshake) {
      // Clients that may use HTTP try TLS first. With TLS on the wire, that attempt would cost
      // nothing, so it is answered at once and not counted.
      await write(client, Buffer.from(notTls));
      return;
    }
    wire.counts.bytesUp += chunk.length;
    for (const part of reader.read(chunk)) {
      if (part.kind === 'head') {
        if (isFirst) wire.counts.connections++;
        asked.push(noteRequest(part.text, wire.counts));
        await sleep(isFirst ? 3 * roundTripMs : roundTripMs);
        isFirst = false;
      }
      await body.carry(part, registry);
    }
  }
}

async function carryAnswers(
  registry: Socket,
  client: Socket,
  wire: WireState,
  asked: Asked[],
): Promise<void> {
  const reader = new MessageReader((head) => responseBody(head, asked[0]?.method ?? ''));
  const body = new PacedBody(wire);
  for await (const chunk of registry as AsyncIterable<Buffer>) {
    wire.counts.bytesDown += chunk.length;
    for (const part of reader.read(chunk)) {
      await body.carry(part, client);
      const isInterim = part.kind === 'head' && statusOf(part.text) < 200;
      if (!part.last || isInterim) continue;
      if (asked.shift()?.isPing === false) wire.counts.lastAnswerMs = monotonicMs();
    }
  }
}

function noteRequest(head: string, counts: WireCounts): Asked {
  const [method = '', path = ''] = head.split(' ', 2);
  if (counts.firstRequestMs === 0) counts.firstRequestMs = monotonicMs();
  return { method, isPing: countRequest(counts, method, path) };
}

/** Writes heads at once, and bodies no faster than the wire allows. */
class PacedBody {
  readonly #wire: WireState;
  #stream: Pace;

  constructor(wire: WireState) {
    this.#wire = wire;
    this.#stream = this.#newStream();
  }

  async carry(part: Part, to: Socket): Promise<void> {
    if (part.kind === 'head') {
      this.#stream = this.#newStream();
    } else {
      const now = monotonicMs();
      const size = part.bytes.length;
      const wait = Math.max(this.#stream.book(size, now), this.#wire.total?.book(size, now) ?? 0) - now;
      // Delays too short for a timer stay on the books.
      if (wait >= 1) await sleep(wait);
    }
    await write(to, part.bytes);
  }

  #newStream(): Pace {
    return new Pace(this.#wire.options.streamBytesPerSecond, monotonicMs());
  }
}

/** Resolves when the bytes have been sent, or can't be any more. */
function write(to: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => to.write(bytes, () => resolve()));
}
