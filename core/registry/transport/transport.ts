import type { Readable } from 'node:stream';
import { type Dispatcher, errors } from 'undici';
import type { Side } from '../errors.ts';
import type { Connections } from './connections.ts';
import { urlWithoutQuery } from './redact.ts';
import { drayageVersion } from './version.ts';

/** Time limits of a request, in milliseconds; undici is accurate to about half a second. */
export interface Timeouts {
  /** To open a connection, including TLS. */
  connectMs: number;
  /** From the request's last byte to the response headers, if the server only needs to answer. */
  headersMs: number;
  /**
   * As {@link headersMs} for manifests, blobs and lists. A registry that is a cache must fetch them
   * first, over a network that may be slow, and some start again each time the client disconnects:
   * https://github.com/project-zot/zot/issues/2416
   */
  fetchMs: number;
  /** Between two pieces of an answer's body. */
  idleBodyMs: number;
  /**
   * As {@link headersMs} at the end of an upload: storing the blob may take long after its last
   * byte (a registry on object storage copies it).
   */
  finishMs: number;
}

/**
 * What the server does before its response headers, which determines the limit: {@link Timeouts}.
 */
export type Work = 'fetch' | 'finish';

/**
 * The timeouts for a registry that may take this long, in milliseconds, for the first byte of an
 * answer.
 */
export function timeoutsFor(firstByteMs: number): Partial<Timeouts> {
  return {
    headersMs: firstByteMs,
    fetchMs: firstByteMs,
    finishMs: Math.max(firstByteMs, defaultTimeouts.finishMs),
  };
}

export const defaultTimeouts: Timeouts = {
  connectMs: 10_000,
  headersMs: 30_000,
  fetchMs: 180_000,
  idleBodyMs: 30_000,
  finishMs: 300_000,
};

/** Describes one HTTP request; redirects, token requests and retries are separate requests. */
export interface RequestInfo {
  method: string;
  /** Without its query. */
  url: string;
  /** Undefined if no answer came. */
  status: number | undefined;
  side: Side;
  /** Until the answer's headers. */
  ms: number;
}

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers: Record<string, string>;
  /** A stream needs a `content-length` header. */
  body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** What the server must do before it can answer; default nothing. */
  work?: Work;
  signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  status: number;
  /** A header's value, with several joined by commas (RFC 9110, 5.3); undefined if absent. */
  header(name: string): string | undefined;
  /** Must be read, discarded or destroyed: it holds the connection. */
  body: Readable;
}

export interface TransportOptions {
  side: Side;
  connections: Pick<Connections, 'dispatcherFor' | 'check'>;
  timeouts: Timeouts;
  onRequest?: ((info: RequestInfo) => void) | undefined;
}

/**
 * Sends one request and resolves with the answer, whatever its status. Redirects, credentials and
 * retries are handled elsewhere.
 */
export type Transport = (request: HttpRequest) => Promise<HttpAnswer>;

/**
 * How far an answer's body is read ahead before its connection is paused: enough that source and
 * destination of a copy rarely wait for each other, but little compared with a function's memory,
 * even with dozens of blobs in progress.
 */
const readAheadBytes = 512 * 1024;

/** The most informational answers (103, Early Hints) that are accepted before the answer itself. */
const maxHints = 20;

/** An answer never began; it has the code of undici's own error for too many headers. */
class EndlessHintsError extends Error {
  override readonly name = 'EndlessHintsError';
  readonly code = 'UND_ERR_HEADERS_OVERFLOW';
  constructor() {
    super(`more than ${maxHints} informational answers came before the answer`);
  }
}

/**
 * The transport of one registry client. Throws undici's errors as they are, and the signal's reason
 * when cancelled.
 */
export function createTransport(options: TransportOptions): Transport {
  const { side, connections, timeouts, onRequest } = options;
  return async ({ method, url, headers, body, work, signal }) => {
    const begun = performance.now();
    const tell = (status: number | undefined) =>
      onRequest?.({ method, url: urlWithoutQuery(url), status, side, ms: performance.now() - begun });
    let answer: Dispatcher.ResponseData;
    let hints = 0;
    const headersTimeout = work ? timeouts[`${work}Ms`] : timeouts.headersMs;
    try {
      await connections.check?.(url);
      answer = await connections.dispatcherFor(url).request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { 'user-agent': `drayage/${drayageVersion}`, ...headers },
        // undici accepts async iterables, though its types do not say so:
        // docs/docs/api/Dispatcher.md, "RequestOptions".
        body: body as Uint8Array | Readable | undefined,
        headersTimeout,
        bodyTimeout: timeouts.idleBodyMs,
        highWaterMark: readAheadBytes,
        // Each of them restarts the timeout for the headers.
        onInfo: () => {
          hints += 1;
          if (hints > maxHints) throw new EndlessHintsError();
        },
        // By default, undici closes the connection after each HEAD; existence checks come by the
        // dozen.
        ...(method === 'HEAD' ? { reset: false } : {}),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      tell(undefined);
      // undici's own error does not say after how long.
      if (error instanceof errors.HeadersTimeoutError)
        throw new errors.HeadersTimeoutError(`no answer within ${headersTimeout / 1_000} s`);
      throw error;
    }
    tell(answer.statusCode);
    const { statusCode: status, headers: received, body: stream } = answer;
    const header = (name: string) => {
      const value = received[name];
      return Array.isArray(value) ? value.join(', ') : value;
    };
    // Otherwise, a dropped stream that fails would end the process.
    stream.on('error', () => {});
    return { status, header, body: stream };
  };
}
