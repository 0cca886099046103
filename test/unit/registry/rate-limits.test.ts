import { describe, expect, it } from 'vitest';
import { closedForMs } from '../../../core/registry/rate-limits.ts';

const now = Date.parse('2026-04-01T12:00:00Z');
const closed = (status: number, headers: Record<string, string> = {}) =>
  closedForMs(status, (name) => headers[name], now);

describe('how long a registry asks clients to wait', () => {
  it.each<[string, number, Record<string, string>, number | undefined]>([
    ['429 for a number of seconds', 429, { 'retry-after': '30' }, 30_000],
    ['429 until a date', 429, { 'retry-after': 'Wed, 01 Apr 2026 12:10:00 GMT' }, 600_000],
    ['429 until a date that has passed', 429, { 'retry-after': 'Wed, 01 Apr 2026 11:00:00 GMT' }, 0],
    ['429 for longer than any registry is believed', 429, { 'retry-after': '99999999' }, 6 * 3_600_000],
    ['429 until the limit is reset', 429, { 'ratelimit-reset': '90' }, 90_000],
    [
      '429 with both headers, of which Retry-After counts',
      429,
      { 'retry-after': '5', 'ratelimit-reset': '90' },
      5_000,
    ],
    ['429 that may be over in a moment', 429, {}, undefined],
    ['429 with nonsense', 429, { 'retry-after': 'soon', 'ratelimit-reset': '-1' }, undefined],
    ['Docker Hub’s exhausted limit', 200, { 'ratelimit-remaining': '0;w=21600' }, 300_000],
    ['an exhausted limit with its end', 200, { 'ratelimit-remaining': '0', 'ratelimit-reset': '42' }, 42_000],
    ['an exhausted limit among several', 200, { 'ratelimit-remaining': ' 0, 0' }, 300_000],
    ['an exhausted limit with a missing image', 404, { 'ratelimit-remaining': '0;w=60' }, 60_000],
    ['Docker Hub’s limit with room', 200, { 'ratelimit-remaining': '97;w=21600' }, undefined],
    ['a limit with room that begins with 0', 200, { 'ratelimit-remaining': '05' }, undefined],
    ['a limit with room and its end', 200, { 'ratelimit-remaining': '1', 'ratelimit-reset': '5' }, undefined],
    ['a failure that asks for patience', 503, { 'retry-after': '30' }, undefined],
    ['an answer that says nothing about it', 200, {}, undefined],
  ])('%s', (_, status, headers, expected) => {
    expect(closed(status, headers)).toBe(expected);
  });

  it('treats an end that is a point in time as one, as GitLab writes it', () => {
    const inAMinute = String(now / 1_000 + 60);
    expect(closed(200, { 'ratelimit-remaining': '0', 'ratelimit-reset': inAMinute })).toBe(60_000);
    expect(closed(429, { 'ratelimit-reset': String(now / 1_000 - 60) })).toBe(0);
  });
});
