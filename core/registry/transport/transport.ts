import type { Readable } from 'node:stream';
import { type Dispatcher, errors } from 'undici';
import type { Side } from '../errors.ts';
import type { Connections } from './connections.ts';
import { urlWithoutQuery } from './redact.ts';
import { drayageVersion } from './version.ts';

/** Limits of a request, in milliseconds; undici keeps them to about half a second. */
export interface Timeouts {
  /** To open a connection, TLS included. */
  connectMs: number;
  /** From the request's last byte to the response headers, if the other side only has to answer. */
  headersMs: number;
  /**
   * As {@link headersMs} for manifests, blobs and lists. A registry that is a cache fetches them
   * first, from a network that may be slow, and some begin again each time the client leaves:
   * https://github.com/project-zot/zot/issues/2416
   */
  fetchMs: number;
  /** Between two pieces of an answer's body. */
  idleBodyMs: number;
  /**
   * As {@link headersMs} at the end of an upload: storing what was sent may take long once its last
   * byte is there (a registry on object storage copies it).
   */
  finishMs: number;
}

/**
 * What the other side does before its response headers, which decides the limit: {@link Timeouts}.
 */
export type Work = 'fetch' | 'finish';

/**
 * The timeouts for a registry that may take this long for the first byte of an answer,
 * milliseconds.
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

/** Tells of one HTTP request; redirects, token requests and retries are requests of their own. */
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
  /** What is streamed needs a `content-length` header. */
  body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** What the other side has to do before it can answer; nothing unless given. */
  work?: Work;
  signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  status: number;
  /** A header's value, several joined by comma (RFC 9110, 5.3); undefined if absent. */
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
 * Sends one request and resolves with the answer whatever its status; no redirect, credential or
 * retry happens here.
 */
export type Transport = (request: HttpRequest) => Promise<HttpAnswer>;

/**
 * Answers' bodies are read ahead this far before their connection is paused: enough that source and
 * destination of a copy rarely wait for each other, little against a function's memory even with
 * dozens of blobs under way.
 */
const readAheadBytes = 512 * 1024;

/**
 * More informational answers (103, Early Hints) than this before the answer itself are not waited
 * for.
 */
const maxHints = 20;

/**
 * An answer would not begin; has the code of undici's own error for too many headers, since it is
 * one.
 */
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
        // undici takes async iterables, its types do not say so: docs/docs/api/Dispatcher.md,
        // "RequestOptions".
        body: body as Uint8Array | Readable | undefined,
        headersTimeout,
        bodyTimeout: timeouts.idleBodyMs,
        highWaterMark: readAheadBytes,
        // Each of them begins the time for the headers anew.
        onInfo: () => {
          hints += 1;
          if (hints > maxHints) throw new EndlessHintsError();
        },
        // undici closes the connection after each HEAD unless told not to; existence checks come by
        // the dozen.
        ...(method === 'HEAD' ? { reset: false } : {}),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      tell(undefined);
      // undici's own does not tell after how long.
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
    // A stream that is dropped while it fails would otherwise end the process.
    stream.on('error', () => {});
    return { status, header, body: stream };
  };
}
