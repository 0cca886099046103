import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import type { AnswerBody } from './body.ts';
import type { Side } from './errors.ts';
import { urlWithoutQuery } from './redact.ts';
import { drayageVersion } from './version.ts';

/** Limits of a request, in milliseconds; undici keeps them to about half a second. */
export interface Timeouts {
  /** To open a connection, TLS included. */
  connectMs: number;
  /** From the request's last byte to the answer's headers, and the longest that a request body may be stuck. */
  headersMs: number;
  /** Between two pieces of an answer's body. */
  idleBodyMs: number;
}

export const defaultTimeouts: Timeouts = { connectMs: 10_000, headersMs: 30_000, idleBodyMs: 30_000 };

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
  /** Instead of the transport's own. */
  headersMs?: number;
  signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  status: number;
  /** A header's value, several joined by comma (RFC 9110, 5.3); undefined if absent. */
  header(name: string): string | undefined;
  /** Must be read, discarded or destroyed: it holds the connection. */
  body: AnswerBody;
}

export interface TransportOptions {
  side: Side;
  dispatcher: Dispatcher;
  timeouts: Timeouts;
  onRequest?: ((info: RequestInfo) => void) | undefined;
}

/** Sends one request and resolves with the answer whatever its status; no redirect, credential or retry happens here. */
export type Transport = (request: HttpRequest) => Promise<HttpAnswer>;

/**
 * Answers' bodies are read ahead this far before their connection is paused: enough that source and destination of a copy rarely
 * wait for each other, little against a function's memory even with dozens of blobs under way.
 */
const readAheadBytes = 512 * 1024;

/**
 * A pool of kept-alive connections per host. HTTP/1.1 only: blobs are large and want connections of their own, whose flow
 * control is the kernel's; with HTTP/2 they would share one, and node's per-frame work costs more than the headers it saves.
 *
 * @param lookup resolves names, and may refuse them; addresses do not come to it
 */
export function createDispatcher(timeouts: Timeouts, lookup: LookupFunction): Agent {
  return new Agent({
    allowH2: false,
    pipelining: 1,
    // Below the 60 s after which common load balancers close an idle connection.
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 60_000,
    connect: { timeout: timeouts.connectMs, lookup },
  });
}

/** The transport of one registry client. Throws undici's errors as they are, and the signal's reason when cancelled. */
export function createTransport({ side, dispatcher, timeouts, onRequest }: TransportOptions): Transport {
  return async ({ method, url, headers, body, headersMs, signal }) => {
    const begun = performance.now();
    const tell = (status: number | undefined) =>
      onRequest?.({ method, url: urlWithoutQuery(url), status, side, ms: performance.now() - begun });
    let answer: Dispatcher.ResponseData;
    try {
      answer = await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { 'user-agent': `drayage/${drayageVersion}`, ...headers },
        // undici takes async iterables, its types do not say so: docs/docs/api/Dispatcher.md, "RequestOptions".
        body: body as Uint8Array | Readable | undefined,
        headersTimeout: headersMs ?? timeouts.headersMs,
        bodyTimeout: timeouts.idleBodyMs,
        highWaterMark: readAheadBytes,
        // undici closes the connection after each HEAD unless told not to; existence checks come by the dozen.
        ...(method === 'HEAD' ? { reset: false } : {}),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      tell(undefined);
      throw error;
    }
    tell(answer.statusCode);
    const { headers: received, body: stream } = answer;
    // A stream that is dropped while it fails would otherwise end the process.
    stream.on('error', () => {});
    return {
      status: answer.statusCode,
      header(name) {
        const value = received[name];
        return Array.isArray(value) ? value.join(', ') : value;
      },
      body: stream,
    };
  };
}
