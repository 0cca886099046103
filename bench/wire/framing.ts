import { ChunkedBody } from './chunked-body.ts';

/**
 * The length of a message's body: in bytes, or given by its chunks (RFC 9112 §7.1), or until the
 * end of the connection.
 */
export type BodyLength = number | 'chunked' | 'until-close';

/** A part of one HTTP/1.1 message, with its bytes unchanged. `last` ends the message. */
export type Part =
  | { kind: 'head'; bytes: Buffer; text: string; last: boolean }
  | { kind: 'body'; bytes: Buffer; last: boolean };

const headEnd = '\r\n\r\n';
const longestHead = 64 * 1024;

/**
 * Splits one direction of a connection into messages and their parts; nothing is changed, added or
 * kept.
 */
export class MessageReader {
  readonly #bodyLength: (head: string) => BodyLength;
  #head: Buffer = Buffer.alloc(0);
  #left: number | ChunkedBody | undefined;

  /** @param bodyLength returns the length of a message's body from its head */
  constructor(bodyLength: (head: string) => BodyLength) {
    this.#bodyLength = bodyLength;
  }

  /**
   * The parts in the next bytes of the connection; a head is always complete.
   *
   * @throws if a head is too long
   */
  *read(chunk: Buffer): Generator<Part> {
    for (let rest = chunk; rest.length > 0; ) {
      if (this.#left === undefined) {
        const all = this.#head.length === 0 ? rest : Buffer.concat([this.#head, rest]);
        const end = all.indexOf(headEnd);
        if (end < 0 && all.length > longestHead) throw new Error('a message whose head does not end');
        this.#head = end < 0 ? all : Buffer.alloc(0);
        if (end < 0) return;
        const bytes = all.subarray(0, end + headEnd.length);
        rest = all.subarray(bytes.length);
        const text = bytes.toString('latin1');
        const length = this.#bodyLength(text);
        if (length === 'chunked') this.#left = new ChunkedBody();
        else if (length === 'until-close') this.#left = Number.POSITIVE_INFINITY;
        else if (length > 0) this.#left = length;
        yield { kind: 'head', bytes, text, last: this.#left === undefined };
      } else {
        const taken =
          typeof this.#left === 'number' ? Math.min(this.#left, rest.length) : this.#left.take(rest);
        if (typeof this.#left === 'number') this.#left -= taken;
        const last = typeof this.#left === 'number' ? this.#left === 0 : this.#left.ended;
        if (last) this.#left = undefined;
        yield { kind: 'body', bytes: rest.subarray(0, taken), last };
        rest = rest.subarray(taken);
      }
    }
  }
}

/** The body of a request (RFC 9112 §6.3). */
export function requestBody(head: string): BodyLength {
  return declaredLength(head) ?? 0;
}

/** The body of a response to a request with this method (RFC 9112 §6.3). */
export function responseBody(head: string, method: string): BodyLength {
  const status = statusOf(head);
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 0;
  return declaredLength(head) ?? 'until-close';
}

/** A response's status. */
export function statusOf(head: string): number {
  return Number(head.slice(9, 12));
}

function declaredLength(head: string): BodyLength | undefined {
  if (/\r\ntransfer-encoding:[^\r]*chunked/i.test(head)) return 'chunked';
  const length = /\r\ncontent-length:\s*(\d+)/i.exec(head)?.[1];
  return length === undefined ? undefined : Number(length);
}
