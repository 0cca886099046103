import type { Socket } from 'node:net';

/** The most that is read of a connection at once, bytes. */
const bufferBytes = 256 * 1024;
/** A buffer with less room than this is not read into any more. */
const leastRoomBytes = 32 * 1024;
/** More buffers than this are not kept for later. */
const maxFree = 64;

/** A buffer that connections read into, and what became of its bytes. */
interface ReadBuffer {
  bytes: Buffer;
  /** How far it was read into, and whether more will be. */
  used: number;
  full: boolean;
  /**
   * How many of these bytes have been written to another connection, and so are nobody's any more.
   */
  written: number;
}

/**
 * Buffers for what is read, which are used again once all of it has been written to other
 * connections: what a copy carries then stays in a few megabytes, instead of going through the
 * allocator and the garbage collector. On plain connections that saves a fifth of the CPU of a copy
 * (docs/decisions/0012).
 *
 * A buffer of which anything is not written, because it was looked at here (headers, manifests) or
 * its upload failed, is not used again: it is the garbage collector's. So nothing is overwritten
 * that somebody may still hold, on one condition: **what is handed to a connection for writing is
 * not read afterwards.**
 */
export class ReadBuffers {
  readonly #free: Buffer[] = [];
  readonly #inUse = new WeakMap<ArrayBufferLike, ReadBuffer>();

  /**
   * For `onread` of a connection:
   * https://nodejs.org/docs/latest-v24.x/api/net.html#new-netsocketoptions
   */
  reader(): { buffer(): Buffer; callback(this: Socket, count: number): boolean } {
    let current: ReadBuffer | undefined;
    const next = (): ReadBuffer => {
      const bytes = this.#free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
      const fresh = { bytes, used: 0, full: false, written: 0 };
      this.#inUse.set(bytes.buffer, fresh);
      return fresh;
    };
    const retire = (buffer: ReadBuffer) => {
      buffer.full = true;
      this.#recycle(buffer);
    };
    return {
      buffer() {
        if (current && bufferBytes - current.used < leastRoomBytes) {
          retire(current);
          current = undefined;
        }
        current ??= next();
        return current.bytes.subarray(current.used);
      },
      callback(count) {
        if (!current) throw new Error('a connection was read without a buffer');
        const { bytes, used } = current;
        current.used += count;
        // Into the connection's own stream, as if it had been read the usual way; false pauses it.
        return this.push(bytes.subarray(used, used + count));
      },
    };
  }

  /** Watches what is written to a connection. */
  watch(socket: Socket): void {
    const write = socket.write;
    const watched = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
      const buffer = typeof chunk === 'string' ? undefined : this.#inUse.get(chunk.buffer);
      if (!buffer) return Reflect.apply(write, socket, [chunk, ...rest]);
      const told = rest.find((argument) => typeof argument === 'function');
      const done = (error?: Error | null) => {
        if (!error) {
          buffer.written += chunk.length;
          this.#recycle(buffer);
        }
        told?.(error);
      };
      return Reflect.apply(write, socket, [chunk, done]);
    };
    socket.write = watched as Socket['write'];
  }

  #recycle(buffer: ReadBuffer): void {
    const { bytes, used, full, written } = buffer;
    if (!full || written !== used || !this.#inUse.delete(bytes.buffer)) return;
    if (this.#free.length < maxFree) this.#free.push(bytes);
  }
}
