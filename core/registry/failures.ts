import {
  type ConnectionProblem,
  connectionProblem,
  failureCode,
  isTlsFailure,
} from './connection-problem.ts';
import { type ErrorBody, readErrorBody } from './error-body.ts';
import { noRegistry, type OperationContext, RegistryError, type RegistryFailure } from './errors.ts';
import { isTemporaryStatus, parseRetryAfter, temporaryFailureCode } from './retry.ts';
import { hideSecrets, redactText } from './transport/redact.ts';

/** An error body is read up to this size. */
export const maxErrorBytes = 1024 * 1024;

/** An unsuccessful answer. */
export interface RefusedAnswer {
  /** What answered, if not the registry itself: “the token service …”. */
  by?: string;
  /**
   * The registry chose the host that answered, and that host is not trusted: its body is not shown.
   * Otherwise a registry could make us send requests to hosts that only we can reach, and read
   * their answers in our errors.
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
  /** What the answer says about the connection itself, instead of the registry's words. */
  problem?: ConnectionProblem | undefined;
  /** Whether a login was missing or rejected. */
  login?: RegistryFailure['login'];
}

const untold: ErrorBody = { texts: [] };

/**
 * The error for an unsuccessful answer. Its code is the registry's own, `errors[0].code` of the
 * body, if that is well-formed; otherwise it is derived from the status.
 *
 * @param unknownCode what 404 means here: `MANIFEST_UNKNOWN`, `BLOB_UNKNOWN`, `NAME_UNKNOWN`
 * @param secrets values that must not be shown, even if the registry repeats them
 */
export function refusedError(
  context: OperationContext,
  answer: RefusedAnswer,
  unknownCode: string,
  secrets: readonly string[],
): RegistryError {
  const { code, texts, page } = answer.untrusted
    ? untold
    : readErrorBody(answer.body, (text) => hideSecrets(text, secrets, 'REDACTED'));
  const shown = texts.map((text) => redactText(text, secrets)).filter((text) => text !== '');
  const retryAfterMs = parseRetryAfter(answer.retryAfter, Date.now());
  const asks = retryAfterMs ? ` and asks to wait ${inWords(retryAfterMs)}` : '';
  const told = `${page === undefined ? '' : ' with a web page'}${shown.map((text) => `, “${text}”`).join('')}`;
  const failure: RegistryFailure = {
    code: code ?? codeOfStatus(answer.status, unknownCode),
    status: answer.status,
    reason:
      answer.problem?.reason ?? `${answer.by ?? 'the registry'} answered ${answer.status}${asks}${told}`,
    temporary: answer.temporary ?? isTemporaryStatus(answer.status),
  };
  if (answer.problem) failure.problem = answer.problem;
  if (answer.login) failure.login = answer.login;
  const remedy = answer.remedy ?? (page === undefined ? undefined : pageRemedy(answer.status));
  if (remedy !== undefined) failure.remedy = remedy;
  if (retryAfterMs !== undefined) failure.retryAfterMs = retryAfterMs;
  return new RegistryError(context, failure);
}

/** `45 s`, `3 min`, `2 h`, rounded up. */
function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3_600)} h`;
}

/** The remedy if a web page answers instead of the registry; undefined if the status says more. */
function pageRemedy(status: number): string | undefined {
  if (status === 404) return noRegistry;
  if (status === 403) return 'a proxy or firewall in front of the registry refuses this: ask its operator';
  return undefined;
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

/**
 * The error for a request that got no answer, or whose answer broke off. A RegistryError is
 * returned as it is.
 *
 * @param what was being done, or the URL; a failed connection to a URL is explained in detail
 */
export function brokenError(context: OperationContext, cause: unknown, what: string | URL): RegistryError {
  if (cause instanceof RegistryError) return cause;
  const errorCode = failureCode(cause);
  const problem =
    what instanceof URL && errorCode !== 'ADDRESS_REFUSED' ? connectionProblem(cause, what) : undefined;
  const failure: RegistryFailure = {
    code: codeOfFailure(errorCode),
    reason:
      problem?.reason ??
      reasonOf(cause, errorCode, what instanceof URL ? `no answer from ${what.host}` : what),
    temporary: temporaryFailureCode(errorCode) !== undefined,
    cause,
  };
  if (problem && !isDroppedByEcr(context, problem.kind)) failure.problem = problem;
  return new RegistryError(context, failure);
}

/**
 * CR#1970: the remedy for the code explains it.
 * https://github.com/aws/containers-roadmap/issues/1970
 */
function isDroppedByEcr({ side, operation }: OperationContext, kind: string): boolean {
  return (
    kind === 'closed' && side === 'mirror' && (operation === 'start upload' || operation === 'mount blob')
  );
}

function reasonOf(cause: unknown, errorCode: string, doing: string): string {
  const detail = redactText(cause instanceof Error ? cause.message || errorCode : String(cause));
  return `${doing}: ${detail}${errorCode === '' || detail.includes(errorCode) ? '' : `, ${errorCode}`}`;
}

function codeOfFailure(errorCode: string): string {
  const temporary = temporaryFailureCode(errorCode);
  if (temporary) return temporary;
  if (errorCode === 'ADDRESS_REFUSED') return 'ADDRESS_REFUSED';
  if (isTlsFailure(errorCode)) return 'TLS';
  if (errorCode.startsWith('HPE_') || errorCode === 'UND_ERR_HEADERS_OVERFLOW') return 'ANSWER_INVALID';
  return 'CONNECTION';
}
