import { lookup } from 'node:dns';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { fetch } from 'undici';
import { BodyTooLargeError, readBounded } from '../../core/registry/body.ts';
import { connectionFailure } from '../../core/registry/connection-failures.ts';
import type { Connections } from '../../core/registry/connections.ts';
import { createConnections } from '../../core/registry/dispatcher.ts';
import { failureCode } from '../../core/registry/failures.ts';
import { hideSecrets, redactText, urlWithoutQuery } from '../../core/registry/redact.ts';
import { defaultTimeouts } from '../../core/registry/transport.ts';
import { drayageVersion } from '../../core/registry/version.ts';
import { connectionHelp } from '../connection-help.ts';
import { networkFrom } from '../network.ts';
import { RequestError } from './request-error.ts';

/** A longer answer is none that we asked for. */
const maxAnswerBytes = 4 * 1024 * 1024;
const timeoutMs = 30_000;

/** A request to an HTTP API. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  /** What must not be shown, whoever repeats it. */
  secrets?: readonly string[];
  signal?: AbortSignal | undefined;
}

export interface ApiAnswer {
  status: number;
  headers: { get(name: string): string | null; has(name: string): boolean };
  text: string;
}

/**
 * Sends a request and reads its answer: within 30 seconds, up to 4 MiB. A redirect is an answer like any other, since what
 * follows it would carry the credentials to where somebody else says.
 *
 * @throws RequestError where there is no answer, or too long a one; the signal's reason if it is aborted
 */
export async function exchange(request: ApiRequest): Promise<ApiAnswer> {
  const { method, url, headers, body, signal } = request;
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      dispatcher: connections().dispatcherFor(url),
      method,
      headers: {
        accept: 'application/json',
        'user-agent': `drayage/${drayageVersion}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : body instanceof Uint8Array ? body : JSON.stringify(body),
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const bytes = response.body
      ? await readBounded(Readable.fromWeb(response.body as ReadableStream), maxAnswerBytes)
      : new Uint8Array();
    return { status: response.status, headers: response.headers, text: new TextDecoder().decode(bytes) };
  } catch (error) {
    signal?.throwIfAborted();
    throw broken(request, error, timeout.aborted);
  }
}

/** One pool for the process, made when it is first needed. */
let opened: Connections | undefined;

/** Where an address is told by the user, every address may be asked: there is nothing to guard. */
function connections(): Connections {
  opened ??= createConnections(defaultTimeouts, lookup, networkFrom(process.env));
  return opened;
}

/** `GET https://host/path`, as a request is named in messages. */
export function requestName({ method, url, secrets = [] }: ApiRequest): string {
  return hideSecrets(`${method} ${urlWithoutQuery(url)}`, secrets, '…');
}

function broken(request: ApiRequest, error: unknown, timedOut: boolean): RequestError {
  const name = requestName(request);
  if (timedOut)
    return new RequestError(`${name} was not answered within ${timeoutMs / 1_000} s`, { cause: error });
  if (error instanceof BodyTooLargeError)
    return new RequestError(`${name} was answered with more than ${maxAnswerBytes} bytes`, { cause: error });
  const { cause } = (error ?? {}) as { cause?: unknown };
  const code = failureCode(cause);
  const { host, protocol } = request.url;
  return new RequestError(
    `${name} got no answer: ${redactText(reasonOf(error, cause, code), request.secrets)}`,
    {
      code: 'CONNECTION',
      remedy:
        connectionHelp(code, { host, protocol }) ??
        'check the address, and firewalls and proxies on the way to it',
      cause: error,
    },
  );
}

/** fetch says “fetch failed”, and has the reason as its cause. */
function reasonOf(error: unknown, cause: unknown, code: string): string {
  const words = connectionFailure(cause, code);
  if (words !== undefined) return `${words}, ${code}`;
  const { message } = (cause ?? {}) as { message?: string };
  return message || code || (error instanceof Error ? error.message : String(error));
}
