import { errors } from 'undici';
import { redactText } from './transport/redact.ts';

/** Why a request was not answered, as far as it determines the remedy. */
export type ProblemKind =
  | 'unknown-host'
  | 'no-dns'
  | 'refused'
  | 'no-route'
  | 'connect-timeout'
  | 'answer-timeout'
  | 'closed'
  | 'untrusted-certificate'
  | 'expired-certificate'
  | 'early-certificate'
  | 'other-certificate'
  | 'no-tls'
  | 'wants-tls'
  | 'tls'
  | 'no-http'
  | 'proxy'
  | 'proxy-refuses'
  | 'proxy-login'
  | 'other';

/** A connection that failed, in words. */
export interface ConnectionProblem {
  kind: ProblemKind;
  /** A clause that names the host, with the failure's code at its end; redacted. */
  reason: string;
  /** The server that was asked, without credentials, path and query. */
  origin: string;
  /** `host`, or `host:port` if it is not the scheme's default port. */
  host: string;
}

/** The fields of an error of node or undici that are used here. */
interface SystemError extends Error {
  code?: unknown;
  syscall?: unknown;
  address?: unknown;
  port?: unknown;
  hostname?: unknown;
  /** Of OpenSSL: `wrong version number`. */
  reason?: unknown;
  /** Of a certificate for other hosts. */
  cert?: { subjectaltname?: unknown };
}

/**
 * Explains why a request failed, by the error of node or undici. If there are several addresses,
 * each was tried.
 */
export function connectionProblem(error: unknown, url: URL): ConnectionProblem {
  const [first = error, ...others] = error instanceof AggregateError ? error.errors : [error];
  const told = (
    typeof first === 'object' && first !== null ? first : new Error(String(first))
  ) as SystemError;
  const code = failureCode(error) || failureCode(first);
  const addresses = [told, ...(others as SystemError[])].map(({ address }) => address).filter(isText);
  const { kind, clause } = explain(told, code, url, [...new Set(addresses)]);
  const reason = code === '' || clause.includes(code) ? clause : `${clause}, ${code}`;
  return { kind, reason, origin: url.origin, host: url.host };
}

type Explained = { kind: ProblemKind; clause: string };

function explain(error: SystemError, code: string, url: URL, addresses: string[]): Explained {
  const { host, hostname } = url;
  const tried = addresses.length > 0 && addresses[0] !== hostname ? ` (tried ${addresses.join(', ')})` : '';
  const proxy = proxyOf(error, url);
  const asked = proxy === undefined ? host : `the proxy ${proxy}`;
  const problem = (kind: ProblemKind, clause: string): Explained => ({
    kind: proxy === undefined ? kind : 'proxy',
    clause,
  });
  switch (code) {
    case 'ENOTFOUND':
      return problem(
        'unknown-host',
        `the host name ${proxy === undefined ? hostname : `${proxy} of the proxy`} does not resolve`,
      );
    case 'EAI_AGAIN':
      return problem('no-dns', `the DNS server does not answer for the host name ${proxy ?? hostname}`);
    case 'ECONNREFUSED':
      return problem('refused', `the connection to ${asked} was refused${proxy ? '' : tried}`);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENETDOWN':
      return problem('no-route', `there is no route to ${asked}${proxy ? '' : tried}`);
    case 'ETIMEDOUT':
      return error.syscall === 'connect' || error.syscall === undefined
        ? problem('connect-timeout', `the connection to ${asked} timed out${proxy ? '' : tried}`)
        : { kind: 'closed', clause: `the connection to ${host} timed out` };
    case 'UND_ERR_CONNECT_TIMEOUT':
      return { kind: 'connect-timeout', clause: connectTimeout(error.message, host) };
    case 'UND_ERR_HEADERS_TIMEOUT':
      return {
        kind: 'answer-timeout',
        clause: `${host} did not answer ${/within \S+ s$/.exec(error.message)?.[0] ?? 'in time'}`,
      };
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
      return { kind: 'closed', clause: `${host} closed the connection without an answer` };
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return {
        kind: 'untrusted-certificate',
        clause: `the certificate of ${host} is self-signed and not trusted`,
      };
    case 'CERT_HAS_EXPIRED':
      return { kind: 'expired-certificate', clause: `the certificate of ${host} has expired` };
    case 'CERT_NOT_YET_VALID':
      return { kind: 'early-certificate', clause: `the certificate of ${host} is not valid yet` };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return { kind: 'other-certificate', clause: otherNames(error, host) };
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_HTTP_REQUEST':
      return { kind: 'no-tls', clause: `${host} does not speak HTTPS` };
    case 'UND_ERR_ABORTED':
      return tunnelProblem(error.message, host);
  }
  if (untrusted.has(code))
    return {
      kind: 'untrusted-certificate',
      clause: `the certificate of ${host} is signed by an authority that is not trusted`,
    };
  if (code.startsWith('HPE_')) return { kind: 'no-http', clause: `${host} does not speak HTTP` };
  const detail = redactText(isText(error.reason) ? error.reason : error.message || String(error));
  if (isTlsFailure(code)) return { kind: 'tls', clause: `the TLS handshake with ${host} failed: ${detail}` };
  return { kind: 'other', clause: `no answer from ${host}: ${detail}` };
}

/** https://nodejs.org/api/tls.html#x509-certificate-error-codes: no chain to a known authority. */
const untrusted: ReadonlySet<string> = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]);

/**
 * TLS alerts and certificates that node refuses:
 * https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
export function isTlsFailure(code: string): boolean {
  return /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/.test(
    code,
  );
}

/** The proxy that failed, if the error names a host or port that was not asked for. */
function proxyOf({ hostname, address, port }: SystemError, url: URL): string | undefined {
  const plain = url.hostname.replace(/^\[|\]$/g, '');
  if (isText(hostname)) return hostname === plain ? undefined : redactText(hostname);
  if (typeof port !== 'number' || port === portOf(url)) return undefined;
  return isText(address) ? `${address}:${port}` : `port ${port}`;
}

function portOf({ port, protocol }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/**
 * undici reports addresses and limit only in words: `(attempted addresses: 127.0.0.1:1, ::1:1,
 * timeout: 10000ms)`.
 */
function connectTimeout(message: string, host: string): string {
  const [, addresses, limit] = /attempted address(?:es)?: (.{1,200}), timeout: (\d+)ms/.exec(message) ?? [];
  const within = limit === undefined ? 'in time' : `within ${Number(limit) / 1_000} s`;
  const tried = addresses === undefined || addresses === host ? '' : ` (tried ${redactText(addresses)})`;
  return `no connection to ${host} ${within}${tried}`;
}

/** The text of the certificate is not trusted. */
function otherNames({ cert }: SystemError, host: string): string {
  const names = isText(cert?.subjectaltname)
    ? redactText(cert.subjectaltname.replaceAll(/(DNS|IP Address):/g, ''))
    : '';
  return `the certificate of ${host} is for another host${names === '' ? '' : `: ${names}`}`;
}

/**
 * What an answer says about the connection itself: that the server requires HTTPS (Go’s server and
 * nginx say so in a 400), or that a proxy, which itself answers plain HTTP, requires a login.
 * https://github.com/golang/go/blob/go1.24.0/src/net/http/server.go,
 * https://nginx.org/en/docs/http/ngx_http_ssl_module.html#errors
 */
export function answeredProblem(status: number, body: Uint8Array, url: URL): ConnectionProblem | undefined {
  const { host, origin, protocol } = url;
  if (protocol !== 'http:') return undefined;
  if (status === 407)
    return {
      kind: 'proxy-login',
      origin,
      host,
      reason: `the proxy on the way to ${host} requires a login (it answered 407)`,
    };
  const text = status === 400 ? Buffer.from(body.subarray(0, 2_000)).toString('latin1') : '';
  return /HTTP request (was sent )?to (an )?HTTPS (server|port)/i.test(text)
    ? { kind: 'wants-tls', origin, host, reason: `${host} answered 400 to plain HTTP: it speaks HTTPS` }
    : undefined;
}

/**
 * undici reports a proxy’s answer only in words: `Proxy response (407) !== 200 when HTTP
 * Tunneling`.
 */
function tunnelProblem(message: string, host: string): Explained {
  const [, status] = /Proxy response \((\d{3})\)/.exec(message) ?? [];
  if (status === undefined)
    return { kind: 'other', clause: `no answer from ${host}: ${redactText(message)}` };
  return status === '407'
    ? { kind: 'proxy-login', clause: `the proxy on the way to ${host} requires a login (it answered 407)` }
    : { kind: 'proxy-refuses', clause: `the proxy could not connect to ${host} (it answered ${status})` };
}

/**
 * The code of a connection failure; empty for errors of our own code. undici leaves out the codes
 * of its parser, so only the message distinguishes a chunked body that was cut off from something
 * that is not HTTP.
 */
export function failureCode(error: unknown): string {
  if (error instanceof errors.HTTPParserError && error.code === undefined) {
    return error.message.includes('Invalid EOF state') ? 'HPE_INVALID_EOF_STATE' : 'HPE_INVALID';
  }
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
