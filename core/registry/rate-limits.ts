import { parseRetryAfter } from './retry.ts';

/** A limit that names no time is asked about again after this long: more often would only keep it closed. */
const unnamedMs = 5 * 60_000;

/**
 * How long a registry wants not to be asked, milliseconds, as an answer of it says; undefined where it says nothing of the kind.
 *
 * A 429 does, for the time of its `Retry-After`. So does `RateLimit-Remaining: 0` on any answer, Docker Hub's `0;w=21600` included
 * (https://docs.docker.com/docker-hub/usage/pulls/): what comes next would be refused. Its time is `RateLimit-Reset`, in seconds
 * (https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-07), which Docker Hub leaves out.
 */
export function closedForMs(
  status: number,
  header: (name: string) => string | undefined,
  now: number,
): number | undefined {
  const spent = /^\s*0\s*(?:[;,]|$)/.test(header('ratelimit-remaining') ?? '');
  if (status !== 429 && !spent) return undefined;
  return (
    parseRetryAfter(header('retry-after'), now) ??
    parseRetryAfter(header('ratelimit-reset'), now) ??
    unnamedMs
  );
}
