import { errors } from 'undici';
import { connectionFailure } from './connection-failures.ts';
import { type ErrorBody, readErrorBody } from './error-body.ts';
import { type OperationContext, RegistryError, type RegistryFailure } from './errors.ts';
import { redactText } from './redact.ts';
import { isTemporaryStatus, parseRetryAfter, temporaryFailureCode } from './retry.ts';

/** An error body is read up to this size. */
export const maxErrorBytes = 1024 * 1024;

/** An answer that is no success. */
export interface RefusedAnswer {
  /** Who answered, if not the registry itself: “the token service …”. */
  by?: string;
  /**
   * The registry chose who answered, and nobody trusts that host: its body tells nothing. Else a registry could have us ask
   * hosts that only we reach, and read their answers in our errors.
   */
  untrusted?: boolean;
  status: number;
  /** The `Retry-After` header. */
  retryAfter?: string | undefined;
  /** The body, or as much as was read. */
  body: Uint8Array;
  /** Instead of what the status says. */
  temporary?: boolean;
  /** Instead of what the code says. */
  remedy?: string;
}

const untold: ErrorBody = { texts: [] };

/**
 * The error for an answer that is no success. Its code is the registry's own, `errors[0].code` of the body, if that is one by its
 * form; else it follows from the status.
 *
 * @param unknownCode what 404 means here: `MANIFEST_UNKNOWN`, `BLOB_UNKNOWN`, `NAME_UNKNOWN`
 * @param secrets what must not be shown even if the registry repeats it
 */
export function refusedError(
  context: OperationContext,
  answer: RefusedAnswer,
  unknownCode: string,
  secrets: readonly string[],
): RegistryError {
  const { code, texts } = answer.untrusted ? untold : readErrorBody(answer.body);
  const shown = texts.map((text) => redactText(text, secrets)).filter((text) => text !== '');
  const retryAfterMs = parseRetryAfter(answer.retryAfter, Date.now());
  const asks = retryAfterMs ? ` and asks to wait ${inWords(retryAfterMs)}` : '';
  const failure: RegistryFailure = {
    code: code ?? codeOfStatus(answer.status, unknownCode),
    status: answer.status,
    reason: `${answer.by ?? 'the registry'} answered ${answer.status}${asks}${shown.map((text) => `, “${text}”`).join('')}`,
    temporary: answer.temporary ?? isTemporaryStatus(answer.status),
  };
  if (answer.remedy !== undefined) failure.remedy = answer.remedy;
  else if (wantsHttps(answer.body)) {
    failure.reason += ': it speaks HTTPS, and was asked by HTTP';
    failure.remedy = 'leave out --plain-http, or write https:// in the upstream’s endpoint';
  }
  if (retryAfterMs !== undefined) failure.retryAfterMs = retryAfterMs;
  return new RegistryError(context, failure);
}

/** What servers written in Go say: https://github.com/golang/go/blob/go1.26.0/src/net/http/server.go */
function wantsHttps(body: Uint8Array): boolean {
  return Buffer.from(body.subarray(0, 100)).includes('HTTP request to an HTTPS server');
}

/** `45 s`, `3 min`, `2 h`, rounded up. */
function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3_600)} h`;
}

function codeOfStatus(status: number, unknownCode: string): string {
  if (status === 404) return unknownCode;
  if (status === 401) return 'UNAUTHORIZED';
  if (status === 403) return 'DENIED';
  if (status === 405 || status === 501 || status === 505) return 'UNSUPPORTED';
  if (status === 408) return 'TIMEOUT';
  if (status === 416) return 'RANGE_INVALID';
  if (status === 429) return 'TOOMANYREQUESTS';
  if (status === 425 || status >= 500) return 'UNAVAILABLE';
  if (status >= 400) return 'REFUSED';
  return 'ANSWER_INVALID';
}

/** TLS alerts and certificates that node refuses: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const tlsFailure =
  /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;

/** The error for a request that got no answer, or whose answer broke off. One that is a RegistryError already stays itself. */
export function brokenError(context: OperationContext, cause: unknown, doing: string): RegistryError {
  if (cause instanceof RegistryError) return cause;
  const errorCode = failureCode(cause);
  const temporary = temporaryFailureCode(errorCode);
  const detail = redactText(
    connectionFailure(cause, errorCode) ??
      (cause instanceof Error ? cause.message || errorCode : String(cause)),
  );
  const reason = `${doing}: ${detail}${errorCode === '' || detail.includes(errorCode) ? '' : `, ${errorCode}`}`;
  if (temporary) return new RegistryError(context, { code: temporary, reason, temporary: true, cause });
  if (errorCode === 'ADDRESS_REFUSED') {
    return new RegistryError(context, { code: 'ADDRESS_REFUSED', reason, cause });
  }
  if (tlsFailure.test(errorCode)) return new RegistryError(context, { code: 'TLS', reason, cause });
  if (errorCode.startsWith('HPE_') || errorCode === 'UND_ERR_HEADERS_OVERFLOW') {
    return new RegistryError(context, { code: 'ANSWER_INVALID', reason, cause });
  }
  return new RegistryError(context, { code: 'CONNECTION', reason, cause });
}

/**
 * The code of what the connection failed with; empty for errors of our own code. undici leaves out those of its parser, by which a
 * chunked body that was cut off before the server closed can be told from what is not HTTP only in words.
 */
export function failureCode(error: unknown): string {
  if (error instanceof errors.HTTPParserError && error.code === undefined) {
    return error.message.includes('Invalid EOF state') ? 'HPE_INVALID_EOF_STATE' : 'HPE_INVALID';
  }
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
}
