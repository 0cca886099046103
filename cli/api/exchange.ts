import { lookup } from 'node:dns';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { fetch } from 'undici';
import { type ConnectionProblem, connectionProblem } from '../../core/registry/connection-problem.ts';
import { connectionRemedy, type SettingNames } from '../../core/registry/connection-remedies.ts';
import { BodyTooLargeError, readBounded } from '../../core/registry/transport/body.ts';
import type { Connections } from '../../core/registry/transport/connections.ts';
import { createConnections } from '../../core/registry/transport/dispatcher.ts';
import { hideSecrets, urlWithoutQuery } from '../../core/registry/transport/redact.ts';
import { defaultTimeouts } from '../../core/registry/transport/transport.ts';
import { drayageVersion } from '../../core/registry/transport/version.ts';
import { networkFrom } from '../shared/network.ts';
import { RequestError } from './request-error.ts';

/**
 * A longer answer can't be what we asked for: Lambda returns at most 6 MB.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const maxAnswerBytes = 6 * 1024 * 1024;
const usualTimeoutMs = 30_000;

/** A request to an HTTP API. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  /** Must not be shown, even if the answer repeats it. */
  secrets?: readonly string[];
  signal?: AbortSignal | undefined;
  /** The most bytes of an answer; by default as many as a function returns. */
  maxBytes?: number;
  /** For how long to wait for the whole answer, 30 s by default. */
  timeoutMs?: number;
}

export interface ApiAnswer {
  status: number;
  headers: { get(name: string): string | null; has(name: string): boolean };
  text: string;
}

/**
 * Sends a request and reads its answer, by default within 30 seconds and up to 6 MiB. A redirect is
 * an answer like any other: following it would send the credentials to an address that somebody
 * else chose.
 *
 * @throws RequestError if there is no answer or it is too long; the signal's reason if it is
 *   aborted
 */
export async function exchange(request: ApiRequest): Promise<ApiAnswer> {
  const {
    method,
    url,
    headers,
    body,
    signal,
    maxBytes = maxAnswerBytes,
    timeoutMs = usualTimeoutMs,
  } = request;
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
      ? await readBounded(Readable.fromWeb(response.body as ReadableStream), maxBytes)
      : new Uint8Array();
    return { status: response.status, headers: response.headers, text: new TextDecoder().decode(bytes) };
  } catch (error) {
    signal?.throwIfAborted();
    throw timeout.aborted ? tooLate(request, error) : broken(request, error);
  }
}

/** One pool for the process, made when it is first needed. */
let opened: Connections | undefined;

/** The user chooses the address, so any address may be contacted: there is nothing to guard. */
function connections(): Connections {
  opened ??= createConnections(defaultTimeouts, lookup, networkFrom(process.env));
  return opened;
}

/** `GET https://host/path`, as a request is named in messages. */
export function requestName({ method, url, secrets = [] }: ApiRequest): string {
  return hideSecrets(`${method} ${urlWithoutQuery(url)}`, secrets, '…');
}

function tooLate(request: ApiRequest, error: unknown): RequestError {
  const { url, timeoutMs = usualTimeoutMs } = request;
  const { host, origin } = url;
  const reason = `${host} did not answer within ${timeoutMs / 1_000} s`;
  return unanswered(requestName(request), { kind: 'answer-timeout', reason, host, origin }, error);
}

function broken(request: ApiRequest, error: unknown): RequestError {
  const name = requestName(request);
  if (error instanceof BodyTooLargeError)
    return new RequestError(
      `${name} was answered with more than ${request.maxBytes ?? maxAnswerBytes} bytes`,
      { cause: error },
    );
  // fetch only says “fetch failed”; the reason is its cause.
  const problem = connectionProblem((error as { cause?: unknown }).cause ?? error, request.url);
  return unanswered(
    name,
    { ...problem, reason: hideSecrets(problem.reason, request.secrets ?? [], 'REDACTED') },
    error,
  );
}

function unanswered(name: string, problem: ConnectionProblem, cause: unknown): RequestError {
  return new RequestError(`${name} got no answer: ${problem.reason}`, {
    code: 'CONNECTION',
    problem: problem.kind,
    remedy: connectionRemedy(problem, settings),
    cause,
  });
}

/** What connection settings are called when the user gives the address. */
const settings: SettingNames = {
  path: '/',
  plainHttp: 'give its address with http://',
  https: 'give its address with https://',
  authority: 'set SSL_CERT_FILE=FILE',
  proxy: 'HTTPS_PROXY or HTTP_PROXY',
};
