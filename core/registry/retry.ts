import { wait } from '../async/wait.ts';
import { RegistryError } from './errors.ts';

/**
 * The single table of what is worth a retry: too many requests, a request that came too slowly
 * (408) or too early (425), server errors, and connections that fail, break or stall. Everything
 * else is final, above all other 4xx.
 */
const temporaryRefusals: ReadonlySet<number> = new Set([408, 425, 429]);
/**
 * Permanent server errors: the server does not support the method (501) or the HTTP version (505).
 */
const lastingServerErrors: ReadonlySet<number> = new Set([501, 505]);
const temporaryFailures: ReadonlyMap<string, 'CONNECTION' | 'TIMEOUT'> = new Map([
  ['ECONNREFUSED', 'CONNECTION'],
  ['ECONNRESET', 'CONNECTION'],
  ['ECONNABORTED', 'CONNECTION'],
  ['EPIPE', 'CONNECTION'],
  ['EHOSTUNREACH', 'CONNECTION'],
  ['ENETUNREACH', 'CONNECTION'],
  ['ENETDOWN', 'CONNECTION'],
  // The resolver did not answer. ENOTFOUND is an answer: there is no such name.
  ['EAI_AGAIN', 'CONNECTION'],
  ['ETIMEDOUT', 'TIMEOUT'],
  // undici: https://undici.nodejs.org/#/docs/api/Errors
  ['UND_ERR_SOCKET', 'CONNECTION'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'CONNECTION'],
  ['HPE_INVALID_EOF_STATE', 'CONNECTION'],
  ['UND_ERR_CONNECT_TIMEOUT', 'TIMEOUT'],
  ['UND_ERR_HEADERS_TIMEOUT', 'TIMEOUT'],
  ['UND_ERR_BODY_TIMEOUT', 'TIMEOUT'],
]);

/**
 * Whether a later answer may differ from this status. An unknown 5xx counts as 500 (RFC 9110, 15),
 * such as Cloudflare's 520 to 530:
 * https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
 */
export function isTemporaryStatus(status: number): boolean {
  if (status >= 500 && status < 600) return !lastingServerErrors.has(status);
  return temporaryRefusals.has(status);
}

/**
 * The code for a temporary connection failure; undefined for permanent ones (TLS, unknown host,
 * protocol).
 */
export function temporaryFailureCode(errorCode: string): 'CONNECTION' | 'TIMEOUT' | undefined {
  return temporaryFailures.get(errorCode);
}

/** How often and how long an operation is retried. */
export interface RetryPolicy {
  /** All attempts, including the first. */
  attempts: number;
  /** The longest first wait. */
  baseMs: number;
  /** The limit of the doubled waits; a `Retry-After` may be longer. */
  maxMs: number;
  /** No attempt starts later than this after the first one started. */
  budgetMs: number;
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 4, baseMs: 250, maxMs: 5_000, budgetMs: 60_000 };

/**
 * How long to wait after the `attempt`th failure (1 is the first): a random time between 0 and
 * `baseMs`, which doubles each time: "full jitter" of
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/, so that many clients
 * don't come back at once.
 *
 * @param random in [0, 1)
 */
export function backoffMs(
  attempt: number,
  policy: Pick<RetryPolicy, 'baseMs' | 'maxMs'>,
  random: number,
): number {
  return Math.floor(random * Math.min(policy.maxMs, policy.baseMs * 2 ** (attempt - 1)));
}

/** The longest wait that a registry may ask for; anything longer is a mistake or malice. */
const maxRetryAfterMs = 6 * 3_600_000;

/**
 * `Retry-After` (RFC 9110, 10.2.3: seconds, or a date) in milliseconds from `now`, at most six
 * hours; undefined if absent or neither, 0 for a date that has passed.
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(maxRetryAfterMs, Number(text) * 1000);
  // Only what looks like an HTTP date: Date.parse accepts much else.
  if (!/^[A-Za-z]{3,9}, /.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.min(maxRetryAfterMs, Math.max(0, date - now));
}

export interface RetryOptions {
  signal?: AbortSignal | undefined;
  /**
   * After too many requests (429): the factor for the number of retries and for their time budget.
   * Default 1.
   */
  patience?: number | undefined;
}

/**
 * Runs an operation that can be repeated (it is idempotent, or starts something new) until it
 * succeeds, fails for good, or the policy is exhausted; then the last error is thrown. A
 * `Retry-After` is the minimum wait. If it exceeds the budget, the error is thrown at once and
 * carries it, for callers that can wait longer. An aborted signal ends it at once with the signal's
 * reason.
 */
export async function withRetries<T>(
  operation: () => Promise<T>,
  policy: RetryPolicy,
  { signal, patience = 1 }: RetryOptions = {},
): Promise<T> {
  const begun = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await operation();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof RegistryError) || !error.temporary) throw error;
      const factor = error.retry.kind === 'rate-limit' ? patience : 1;
      if (attempt >= policy.attempts * factor) throw error;
      const pause = Math.max(error.retryAfterMs ?? 0, backoffMs(attempt, policy, Math.random()));
      if (performance.now() - begun + pause > policy.budgetMs * factor) throw error;
      await wait(pause, signal);
    }
  }
}
