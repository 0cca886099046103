import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultAction } from './faults.ts';

/** A body was not transferred because of a fault; the connection is gone. */
export class FaultError extends Error {
  constructor(kind: FaultAction['kind']) {
    super(`a fault of kind ${kind} ended the request`);
    this.name = 'FaultError';
  }
}

/** Resolves when the connection closes for any reason. */
export function connectionClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** Resolves when the connection closes, or is destroyed after so long. */
export async function stall(socket: Socket, forMs?: number): Promise<void> {
  if (forMs === undefined) return await connectionClosed(socket);
  await waitOn(socket, forMs);
  socket.destroy();
}

/** Waits, but stops if the connection closes. */
export async function waitOn(socket: Socket, milliseconds: number): Promise<void> {
  const closed = new AbortController();
  const onClose = (): void => closed.abort();
  socket.once('close', onClose);
  try {
    await sleep(milliseconds, undefined, { signal: closed.signal });
  } catch (error) {
    if (!closed.signal.aborted) throw error;
  } finally {
    socket.off('close', onClose);
  }
}

/**
 * A body as it passes through a fault.
 * @throws FaultError once the connection was cut, or was closed by the client while it stalled
 */
export async function* faultyBody(
  source: AsyncIterable<Uint8Array>,
  action: FaultAction,
  direction: 'request' | 'response',
  socket: Socket,
): AsyncGenerator<Uint8Array> {
  let passed = 0;
  const started = performance.now();
  for await (const chunk of source) {
    switch (action.kind) {
      case 'cut':
      case 'stall': {
        const left = (action.afterBytes ?? 0) - passed;
        if (chunk.length < left) {
          yield chunk;
          break;
        }
        if (left > 0) yield chunk.subarray(0, left);
        if (action.kind === 'stall') await stall(socket, action.forMs);
        else await cut(socket);
        throw new FaultError(action.kind);
      }
      case 'slow': {
        const { bytesPerSecond } = action;
        if (bytesPerSecond === undefined) yield chunk;
        else yield* slowly(chunk, { bytesPerSecond, passed, started, socket });
        break;
      }
      case 'corrupt': {
        if (direction === 'request' || passed > 0 || chunk.length === 0) yield chunk;
        else yield Uint8Array.from(chunk, (byte, position) => (position === 0 ? byte ^ 1 : byte));
        break;
      }
      default:
        yield chunk;
    }
    passed += chunk.length;
  }
}

/**
 * Breaks the connection once everything written has been sent, so that the other side sees exactly
 * that much.
 */
async function cut(socket: Socket): Promise<void> {
  if (!socket.destroyed) await new Promise<void>((resolve) => socket.write('', () => resolve()));
  socket.destroy();
}

interface Pace {
  bytesPerSecond: number;
  /** Bytes that have passed so far. */
  passed: number;
  /** When the first byte passed, by `performance.now()`. */
  started: number;
  socket: Socket;
}

/** In pieces of a twentieth of a second each, so that rates far below the chunk size work, too. */
async function* slowly(
  chunk: Uint8Array,
  { bytesPerSecond, passed, started, socket }: Pace,
): AsyncGenerator<Uint8Array> {
  const piece = Math.max(1, Math.ceil(bytesPerSecond / 20));
  for (let start = 0; start < chunk.length; start += piece) {
    const end = Math.min(start + piece, chunk.length);
    yield chunk.subarray(start, end);
    const due = started + ((passed + end) / bytesPerSecond) * 1000;
    const wait = due - performance.now();
    if (wait > 0) await waitOn(socket, wait);
  }
}
