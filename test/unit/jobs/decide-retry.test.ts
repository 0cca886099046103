import { describe, expect, it } from 'vitest';
import { CopyError } from '../../../core/copy/errors.ts';
import type { ReferrerFailure } from '../../../core/copy/referrers/referrers.ts';
import { decideRetry, maxAttempts } from '../../../core/jobs/decide-retry.ts';
import { JobFailure, ReferrersPendingError } from '../../../core/jobs/errors.ts';
import type { JobRecord } from '../../../core/jobs/record.ts';
import { UpstreamClosedError } from '../../../core/jobs/upstream-gate.ts';
import { LeaseError } from '../../../core/mapping/lease.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { RegistryError, type RegistryFailure } from '../../../core/registry/errors.ts';

const jobAfter = (attempts: number): JobRecord => ({
  id: '01000000000000000000000000',
  key: { registry: 'docker.io', repository: 'library/nginx', reference: '1.27' },
  event: 1,
  state: 'copying',
  trigger: 'webhook',
  receivedAt: '2026-04-01T12:00:00.000Z',
  attempts,
});
const failure = (more: Partial<RegistryFailure>, side: 'upstream' | 'mirror' = 'upstream') =>
  new RegistryError(
    { side, registry: 'docker.io', operation: 'get manifest' },
    { code: 'UNAVAILABLE', reason: 'it did not answer', ...more },
  );
/** When no image can still be late. */
const later = new Date('2026-04-01T13:00:00.000Z');
/** In the middle of the delay's random part. */
const judged = (error: unknown, attempts = 1, random = 0.5) =>
  decideRetry(error, jobAfter(attempts), { now: later, random });

describe('what becomes of a job after an error', () => {
  it.each([
    ['a missing image', failure({ code: 'MANIFEST_UNKNOWN', status: 404 }), 'MANIFEST_UNKNOWN', 'upstream'],
    ['refused credentials', failure({ code: 'DENIED', status: 403 }, 'mirror'), 'DENIED', 'mirror'],
    [
      'damaged content',
      new CopyError('DIGEST_INVALID', 'sha256:0', 'other bytes'),
      'DIGEST_INVALID',
      'upstream',
    ],
    [
      'a missing platform',
      new CopyError('NO_MATCHING_PLATFORM', 'x', 'y'),
      'NO_MATCHING_PLATFORM',
      'upstream',
    ],
    [
      'a rule that forbids it',
      new JobFailure('not_configured', 'no rule', 'add one'),
      'not_configured',
      'drayage',
    ],
  ])('%s fails it for good', (_, error, code, side) => {
    expect(judged(error)).toEqual({
      kind: 'fail',
      error: { code, side, message: error.message, remedy: error.remedy },
    });
  });

  it.each([
    ['trouble upstream', failure({ status: 503, temporary: true })],
    ['a broken connection', failure({ code: 'CONNECTION', temporary: true }, 'mirror')],
    ['a tag that another job moves', new LeaseError(jobAfter(1).key)],
    ['a tag that was moved by another', new CopyError('TAG_MOVED', 'mirror/nginx:1', 'it reads as missing')],
  ])('%s makes it wait, and counts', (_, error) => {
    expect(judged(error)).toMatchObject({ kind: 'wait', why: 'failure', delayMs: 22_500 });
  });

  it('a manifest whose blobs were deleted meanwhile makes it retry, since the plan asks again', () => {
    const gone = { code: 'MANIFEST_BLOB_UNKNOWN', status: 400 };
    expect(judged(failure(gone, 'mirror'))).toMatchObject({ kind: 'wait', why: 'failure' });
    expect(judged(failure(gone, 'upstream'))).toMatchObject({ kind: 'fail' });
  });

  it('a rate limit makes it wait without counting, however often', () => {
    const limited = failure({ code: 'TOOMANYREQUESTS', status: 429, temporary: true });
    // Midway between two and a half and five minutes: not so often that the limit stays closed.
    expect(judged(limited)).toMatchObject({ kind: 'wait', why: 'rate-limit', delayMs: 225_000 });
    expect(judged(limited, 500)).toMatchObject({ kind: 'wait', why: 'rate-limit' });
  });

  it('waits for a rate limit if an error says so, whichever registry it was', () => {
    const closed = new UpstreamClosedError('docker.io', new Date(later.getTime() + 600_000), later);
    expect(judged(closed, 500)).toMatchObject({
      kind: 'wait',
      why: 'rate-limit',
      delayMs: 615_000,
      error: { code: 'UPSTREAM_CLOSED', side: 'upstream' },
    });
  });

  it.each<[string, Partial<ReferrerFailure>, string]>([
    ['waits and counts if something cannot be read for now', { code: 'UNAVAILABLE' }, 'failure'],
    ['waits for a rate limit that prevents the read', { code: 'TOOMANYREQUESTS' }, 'rate-limit'],
  ])('%s of what belongs to an image', (_, more, why) => {
    const missing = { digest: digestOf(Buffer.from('sbom')), reason: 'no', temporary: true as const };
    const told = { code: '', side: 'mirror' as const, retryAfterMs: 60_000, ...more };
    const error = new ReferrersPendingError('docker.io/app', { missing: [{ ...missing, ...told }] });
    expect(judged(error, 1, 0)).toMatchObject({
      kind: 'wait',
      why,
      delayMs: 60_000,
      error: { side: 'mirror' },
    });
  });

  it.each([
    ['an error of ours', new TypeError('undefined is not a function')],
    ['an error that has only a code', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })],
    ['the table’s throttling', Object.assign(new Error('slow'), { name: 'ThrottlingException', code: 400 })],
    ['no error at all', 'a text'],
    ['nothing', undefined],
    [
      'an error that looks like one',
      Object.assign(new Error('x'), { code: 'X', side: 'mirror', remedy: 'y', retry: { kind: 'never' } }),
    ],
    ['an object that looks like one', { code: 'X', remedy: 'y', temporary: true }],
  ])('%s sends the message back', (_, error) => {
    expect(judged(error)).toEqual({ kind: 'crash' });
  });

  it('waits twice as long each time, half an hour at most, spread over the second half', () => {
    const error = failure({ temporary: true });
    const delay = (attempts: number, random: number) => {
      const verdict = judged(error, attempts, random);
      return verdict.kind === 'wait' ? verdict.delayMs : undefined;
    };
    expect([1, 2, 3, 4].map((attempts) => delay(attempts, 0))).toEqual([15_000, 30_000, 60_000, 120_000]);
    expect(delay(1, 0.999_999)).toBeCloseTo(30_000, -2);
    expect(delay(maxAttempts - 1, 0.999_999)).toBeCloseTo(30 * 60_000, -2);
    // Before the first attempt was counted there is a delay, too.
    expect(delay(0, 0)).toBe(15_000);
  });

  it('waits six hours at most, whatever the registry asks', () => {
    for (const retryAfterMs of [1e12, 8.7e15, Number.MAX_VALUE]) {
      expect(judged(failure({ status: 429, temporary: true, retryAfterMs }))).toMatchObject({
        kind: 'wait',
        delayMs: 6 * 3_600_000,
      });
    }
  });

  it('keeps no more text than fits into a record, and no control characters', () => {
    const verdict = judged(failure({ reason: `bad\u0000\u001b[31m${'x'.repeat(300_000)}` }));
    if (verdict.kind !== 'fail') throw new Error('it must fail');
    expect(verdict.error.message.length).toBe(1_000);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(verdict.error.message).not.toMatch(/[\u0000-\u001f]/);
  });

  it('waits as long as the registry asks, if that is longer', () => {
    expect(judged(failure({ temporary: true, retryAfterMs: 3_600_000 }))).toMatchObject({
      delayMs: 3_600_000,
    });
    expect(judged(failure({ temporary: true, retryAfterMs: 1 }))).toMatchObject({ delayMs: 22_500 });
  });

  it('gives up after the last counted attempt, and says so', () => {
    const error = failure({ status: 503, temporary: true });
    expect(judged(error, maxAttempts - 1)).toMatchObject({ kind: 'wait' });
    expect(judged(error, maxAttempts)).toMatchObject({
      kind: 'fail',
      error: { code: 'UNAVAILABLE', message: `${error.message} (given up after ${maxAttempts} attempts)` },
    });
  });
});
