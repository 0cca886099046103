import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FaultAction } from './faults.ts';
import { FaultError, faultyBody } from './faulty-body.ts';
import type { RequestRecord } from './requests.ts';

/** The connection ended in the middle of a body; there is nobody to answer. */
export class ConnectionLostError extends Error {
  constructor(cause: unknown) {
    super('the connection was lost in the middle of a body', { cause });
    this.name = 'ConnectionLostError';
  }
}

/** A body is larger than the operation accepts. */
export class BodyTooLargeError extends Error {
  readonly limit: number;
  constructor(limit: number) {
    super(`the body is larger than ${limit} bytes`);
    this.name = 'BodyTooLargeError';
    this.limit = limit;
  }
}

type Headers = Record<string, string | number>;

/** The parts of an exchange. */
export interface HttpExchangeParts {
  request: IncomingMessage;
  response: ServerResponse;
  /** Counts the bytes that pass. */
  record: RequestRecord;
  /** The fault that affects the bodies. */
  fault: FaultAction | undefined;
}

/**
 * One request and its answer: bodies pass through it, so that they can be counted and disturbed by
 * faults.
 */
export class HttpExchange {
  readonly method: string;
  /** Without the query, not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** `http://` and the host as the client sent it, for absolute addresses in answers. */
  readonly origin: string;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #record: RequestRecord;
  readonly #fault: FaultAction | undefined;

  constructor({ request, response, record, fault }: HttpExchangeParts) {
    this.#request = request;
    this.#response = response;
    this.#record = record;
    this.#fault = fault;
    const { path, query } = splitTarget(request);
    this.method = request.method ?? 'GET';
    this.path = path;
    this.query = new URLSearchParams(query);
    this.origin = `http://${request.headers.host ?? '127.0.0.1'}`;
    // Without a listener, an error of a socket that nobody waits for would end the process.
    request.on('error', () => {});
    response.on('error', () => {});
  }

  /** A request header; repeated headers are joined with commas. */
  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Whether the other end is this machine. */
  get fromLoopback(): boolean {
    const address = this.#request.socket.remoteAddress ?? '';
    return address === '::1' || /^(?:::ffff:)?127\./.test(address);
  }

  /** Whether an answer has been started. */
  get answered(): boolean {
    return this.#response.headersSent;
  }

  /** The request's body. Reading throws ConnectionLostError if the client disconnects. */
  async *body(): AsyncGenerator<Uint8Array> {
    const source =
      this.#fault === undefined
        ? this.#request
        : faultyBody(this.#request, this.#fault, 'request', this.#request.socket);
    try {
      for await (const chunk of source as AsyncIterable<Uint8Array>) {
        this.#record.bytesIn += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      if (cause instanceof FaultError || this.#request.destroyed) throw new ConnectionLostError(cause);
      throw cause;
    }
  }

  /**
   * The request's body as a whole.
   * @throws BodyTooLargeError above `limit` bytes
   */
  async readBody(limit: number): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.body()) {
      size += chunk.length;
      // The rest is read and dropped: a client that is still sending would not see an earlier
      // answer.
      if (size <= limit) chunks.push(chunk);
    }
    if (size > limit) throw new BodyTooLargeError(limit);
    return Buffer.concat(chunks);
  }

  /** Answers with a body from memory; a HEAD request gets only the headers. */
  async send(status: number, headers: Headers = {}, body: Uint8Array | string = ''): Promise<void> {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const length: Headers = status === 204 || status === 304 ? {} : { 'content-length': bytes.length };
    await this.#answer(status, { ...length, ...headers }, bytes.length === 0 ? undefined : single(bytes));
  }

  /** Answers with JSON. */
  async sendJson(status: number, value: unknown, headers: Headers = {}): Promise<void> {
    await this.send(status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
  }

  /** Answers with a stream; `headers` contain its length. Returns when everything has been sent. */
  async sendStream(status: number, headers: Headers, source: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#answer(status, headers, source);
  }

  /** Breaks the connection without an answer. */
  drop(): void {
    this.#request.socket.destroy();
  }

  async #answer(
    status: number,
    headers: Headers,
    body: AsyncIterable<Uint8Array> | undefined,
  ): Promise<void> {
    const response = this.#response;
    try {
      if (response.destroyed) return;
      this.#record.status = status;
      response.writeHead(status, headers);
      // Otherwise, headers are sent together with the body's first bytes, which a fault may hold
      // back forever.
      if (this.#fault !== undefined) response.flushHeaders();
      if (body !== undefined && this.method !== 'HEAD') await this.#write(body);
      response.end();
    } finally {
      // A stream that has not been read at all keeps its file open.
      if (body instanceof Readable) body.destroy();
    }
  }

  async #write(body: AsyncIterable<Uint8Array>): Promise<void> {
    const response = this.#response;
    const source =
      this.#fault === undefined ? body : faultyBody(body, this.#fault, 'response', this.#request.socket);
    try {
      for await (const chunk of source) {
        if (response.destroyed) throw new Error('the client has gone');
        this.#record.bytesOut += chunk.length;
        if (!response.write(chunk)) await drained(response);
      }
    } catch (cause) {
      // An answer that was started can only be aborted; if it ended properly, it would look
      // complete.
      response.destroy();
      throw new ConnectionLostError(cause);
    }
  }
}

/**
 * The request's path and query. Not parsed with URL, which would normalise `..` and take `//host`
 * for a host.
 */
export function splitTarget(request: IncomingMessage): { path: string; query: string } {
  const target = request.url ?? '/';
  const mark = target.indexOf('?');
  return mark < 0
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** Resolves when the connection accepts more data, or never will. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
