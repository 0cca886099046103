import { pullLimitOf } from './pull-permits.ts';
import { parseRetryAfter } from './retry.ts';

/**
 * If an exhausted limit names no time, requests resume after this long: more often would only
 * prolong it. A window that is shorter is over by then.
 */
const unnamedMs = 5 * 60_000;
/**
 * From this value on, a `RateLimit-Reset` is not a number of seconds to wait (30 years), but a time
 * in seconds since 1970.
 */
const leastTime = 1e9;

/**
 * How long a registry asks for no requests, in milliseconds, by one of its answers; undefined if it
 * does not ask.
 *
 * A 429 asks for the time of its `Retry-After`, if it has one. So does `RateLimit-Remaining: 0` on
 * any answer, including Docker Hub's `0;w=21600` (https://docs.docker.com/docker-hub/usage/pulls/):
 * the next request would be refused. Its time is `RateLimit-Reset`, in seconds
 * (https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-07), which Docker Hub
 * leaves out and GitLab writes as a time
 * (https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers).
 */
export function closedForMs(
  status: number,
  header: (name: string) => string | undefined,
  now: number,
): number | undefined {
  const named = parseRetryAfter(header('retry-after'), now) ?? resetMs(header('ratelimit-reset'), now);
  // A 429 without a time may be over in a moment: the request is retried, and the registry is
  // closed only if the 429 persists.
  if (status === 429) return named;
  const spent = /^\s*0\s*(?:[;,]|$)/.test(header('ratelimit-remaining') ?? '');
  return spent ? (named ?? Math.min(unnamedMs, pullLimitOf(header)?.windowMs ?? unnamedMs)) : undefined;
}

function resetMs(value: string | undefined, now: number): number | undefined {
  const seconds = Number(value);
  return parseRetryAfter(seconds >= leastTime ? new Date(seconds * 1_000).toUTCString() : value, now);
}
