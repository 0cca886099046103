import { parseRetryAfter } from './retry.ts';

/**
 * A used up limit that names no time is asked about again after this long: more often would only
 * keep it closed.
 */
const unnamedMs = 5 * 60_000;
/**
 * A `RateLimit-Reset` from this on is no number of seconds to wait (30 years) but a time, seconds
 * since 1970.
 */
const leastTime = 1e9;

/**
 * How long a registry wants not to be asked, milliseconds, as an answer of it says; undefined where
 * it says nothing of the kind.
 *
 * A 429 does, for the time of its `Retry-After` if it names one. So does `RateLimit-Remaining: 0`
 * on any answer, Docker Hub's `0;w=21600` included
 * (https://docs.docker.com/docker-hub/usage/pulls/): what comes next would be refused. Its time is
 * `RateLimit-Reset`, in seconds
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
  // A 429 without a time may be over in a moment: it is asked again, and closes the registry only
  // when it stays.
  if (status === 429) return named;
  const spent = /^\s*0\s*(?:[;,]|$)/.test(header('ratelimit-remaining') ?? '');
  return spent ? (named ?? unnamedMs) : undefined;
}

function resetMs(value: string | undefined, now: number): number | undefined {
  const seconds = Number(value);
  return parseRetryAfter(seconds >= leastTime ? new Date(seconds * 1_000).toUTCString() : value, now);
}
