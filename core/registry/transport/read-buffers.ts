import type { Socket } from 'node:net';

/** The most bytes that are read from a connection at once. */
const bufferBytes = 512 * 1024;
/** A buffer with less free space than this is not filled any further. */
const leastRoomBytes = 64 * 1024;
/** The most free buffers that are kept for reuse. */
const maxFree = 32;

/** A buffer that connections read into, and the state of its bytes. */
interface ReadBuffer {
  bytes: Buffer;
  /** How far it is filled, and whether more will follow. */
  used: number;
  full: boolean;
  /**
   * How many of these bytes have been written to another connection, and so are not needed any
   * more.
   */
  written: number;
}

/**
 * Read buffers that are reused once all of their bytes have been written to other connections. A
 * copy then needs only a few megabytes, instead of passing everything through the allocator and the
 * garbage collector. On plain connections, that saves a fifth of the CPU time of a copy
 * (docs/decisions/0012).
 *
 * A buffer is not reused if any of its bytes were not written, because they were read here
 * (headers, manifests) or their upload failed: it is left to the garbage collector. So bytes that
 * are still in use are never overwritten, on one condition: **bytes that are passed to a connection
 * for writing are not read afterwards.**
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
        // Pushes into the connection's own stream, as if read the usual way; false pauses it.
        return this.push(bytes.subarray(used, used + count));
      },
    };
  }

  /** Watches the writes to a connection. */
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
