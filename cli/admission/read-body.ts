import type { IncomingMessage } from 'node:http';

/** An apiserver stores objects of up to 1.5 MB, and sends two of them. */
const mostBytes = 8 * 1024 * 1024;
/** Nearly all Pods are smaller; these requests never wait for others. */
const smallBytes = 256 * 1024;
/** What larger bodies may take together: a container with 512 MB has little else left. */
const mostHeldBytes = 32 * 1024 * 1024;

/** Why a body was not read: it is too large, or there are too many large ones. */
export type Refusal = 413 | 503;

/** Reads the bodies of a server's requests, with a limit for what all of them hold. */
export class BodyReader {
  #held = 0;

  /** The whole body, unless that is too much. */
  async read(request: IncomingMessage): Promise<Uint8Array | Refusal> {
    if (Number(request.headers['content-length'] ?? 0) > mostBytes) return 413;
    const chunks: Buffer[] = [];
    let [size, held] = [0, 0];
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.byteLength;
        if (size > mostBytes) return 413;
        const more = Math.max(0, size - smallBytes) - held;
        if (this.#held + more > mostHeldBytes) return 503;
        held += more;
        this.#held += more;
        chunks.push(chunk);
      }
    } finally {
      this.#held -= held;
    }
    return Buffer.concat(chunks);
  }
}
