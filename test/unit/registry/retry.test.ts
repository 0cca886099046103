import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RegistryError, type RegistryFailure } from '../../../core/registry/errors.ts';
import {
  backoffMs,
  isTemporaryStatus,
  parseRetryAfter,
  temporaryFailureCode,
  withRetries,
} from '../../../core/registry/retry.ts';

const policy = { attempts: 4, baseMs: 100, maxMs: 1000, budgetMs: 10_000 };

function failure(details: Partial<RegistryFailure> = {}): RegistryError {
  const context = { side: 'upstream', registry: 'r.example', operation: 'get manifest' } as const;
  return new RegistryError(context, { code: 'UNAVAILABLE', reason: 'x', temporary: true, ...details });
}

describe('the retry table', () => {
  const statuses = Array.from({ length: 900 }, (_, i) => i + 100);

  it('includes the refusals that are about time: 408, 425, 429', () => {
    expect(statuses.filter((status) => status < 500).filter(isTemporaryStatus)).toEqual([408, 425, 429]);
  });

  it('includes all server errors, also Cloudflare’s 520 to 530, except 501 and 505', () => {
    const lasting = statuses.filter((status) => status >= 500 && !isTemporaryStatus(status));
    expect(lasting.filter((status) => status < 600)).toEqual([501, 505]);
    expect(lasting).toHaveLength(402);
  });

  it.each([
    ['ECONNREFUSED', 'CONNECTION'],
    ['ECONNRESET', 'CONNECTION'],
    ['EPIPE', 'CONNECTION'],
    ['EAI_AGAIN', 'CONNECTION'],
    ['UND_ERR_SOCKET', 'CONNECTION'],
    ['ETIMEDOUT', 'TIMEOUT'],
    ['UND_ERR_CONNECT_TIMEOUT', 'TIMEOUT'],
    ['UND_ERR_HEADERS_TIMEOUT', 'TIMEOUT'],
    ['UND_ERR_BODY_TIMEOUT', 'TIMEOUT'],
    ['ENOTFOUND', undefined],
    ['CERT_HAS_EXPIRED', undefined],
    ['UND_ERR_ABORTED', undefined],
    ['HPE_INVALID_CONSTANT', undefined],
    ['', undefined],
  ])('has %s as %s', (errorCode, code) => expect(temporaryFailureCode(errorCode)).toBe(code));
});

describe('backoffMs', () => {
  it('doubles its upper bound up to the maximum, and never exceeds it', () => {
    const bounds = [1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(attempt, policy, 0.999_999));
    expect(bounds).toEqual([99, 199, 399, 799, 999, 999]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const ms = backoffMs(attempt, policy, random);
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThan(policy.maxMs);
        },
      ),
    );
  });

  it('begins at zero: full jitter', () => expect(backoffMs(5, policy, 0)).toBe(0));
});

describe('parseRetryAfter', () => {
  const now = Date.parse('2026-11-23T10:00:00Z');
  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7000],
    ['Mon, 23 Nov 2026 10:00:30 GMT', 30_000],
    ['Monday, 23-Nov-26 10:00:30 GMT', 30_000],
    ['Mon, 23 Nov 2026 09:00:00 GMT', 0],
    [undefined, undefined],
    ['', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['2026', 2_026_000],
    ['2026-11-23', undefined],
    // At most six hours.
    ['21600', 21_600_000],
    ['21601', 21_600_000],
    ['999999999', 21_600_000],
    ['99999999999999', 21_600_000],
    ['9'.repeat(400), 21_600_000],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 21_600_000],
    ['Sat, 01 Jan 10000 00:00:00 GMT', 21_600_000],
    ['Sat, 13 Sep 275760 00:00:00 GMT', 21_600_000],
    ['Sat, 13 Sep 275760 00:00:01 GMT', undefined],
    ['Mon, 23 Nov -2026 10:00:30 GMT', undefined],
    ['NaN', undefined],
  ])('reads %j as %s ms', (value, ms) => expect(parseRetryAfter(value, now)).toBe(ms));
});

describe('withRetries', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    vi.spyOn(Math, 'random').mockReturnValue(0);
  });
  afterEach(() => vi.useRealTimers());

  it('retries until it succeeds', async () => {
    const operation = vi
      .fn()
      .mockRejectedValueOnce(failure())
      .mockRejectedValueOnce(failure())
      .mockResolvedValue('done');
    expect(await withRetries(operation, policy)).toBe('done');
    expect(operation).toHaveBeenCalledTimes(3);
  });

  it('throws the last error when the attempts are used up', async () => {
    const last = failure();
    const operation = vi.fn().mockRejectedValue(failure()).mockRejectedValueOnce(failure());
    operation.mockImplementation(() => Promise.reject(operation.mock.calls.length === 4 ? last : failure()));
    await expect(withRetries(operation, policy)).rejects.toBe(last);
    expect(operation).toHaveBeenCalledTimes(4);
  });

  it.each([failure({ temporary: false, status: 404 }), new TypeError('a mistake of ours')])(
    'does not retry after %s',
    async (error) => {
      const operation = vi.fn().mockRejectedValue(error);
      await expect(withRetries(operation, policy)).rejects.toBe(error);
      expect(operation).toHaveBeenCalledTimes(1);
    },
  );

  it('hands a Retry-After beyond the budget to the caller at once', async () => {
    const error = failure({ status: 429, retryAfterMs: 3_600_000 });
    const operation = vi.fn().mockRejectedValue(error);
    await expect(withRetries(operation, policy)).rejects.toBe(error);
    expect(operation).toHaveBeenCalledTimes(1);
  });

  it('has more patience with too many requests if told to, and only with them', async () => {
    for (const [error, patience, calls] of [
      [failure({ status: 429 }), 3, 12],
      [failure({ status: 429 }), undefined, 4],
      [failure({ status: 503 }), 3, 4],
    ] as const) {
      const operation = vi.fn().mockRejectedValue(error);
      await expect(withRetries(operation, policy, { patience })).rejects.toBe(error);
      expect(operation).toHaveBeenCalledTimes(calls);
    }
    const slow = vi.fn().mockImplementation(async () => {
      vi.advanceTimersByTime(6000);
      throw failure({ status: 429 });
    });
    await expect(withRetries(slow, policy, { patience: 3 })).rejects.toBeInstanceOf(RegistryError);
    expect(slow).toHaveBeenCalledTimes(6);
  });

  it('starts no attempt after the budget', async () => {
    const operation = vi.fn().mockImplementation(async () => {
      vi.advanceTimersByTime(6000);
      throw failure();
    });
    await expect(withRetries(operation, policy)).rejects.toBeInstanceOf(RegistryError);
    expect(operation).toHaveBeenCalledTimes(2);
  });

  it('ends a wait at once when the signal aborts, with its reason', async () => {
    const controller = new AbortController();
    const reason = new Error('the job’s deadline');
    const operation = vi.fn().mockImplementation(async () => {
      setImmediate(() => controller.abort(reason));
      throw failure({ retryAfterMs: 5000 });
    });
    await expect(withRetries(operation, policy, { signal: controller.signal })).rejects.toBe(reason);
    expect(operation).toHaveBeenCalledTimes(1);
  });

  it('does not start if the signal is already aborted', async () => {
    const operation = vi.fn();
    await expect(withRetries(operation, policy, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    expect(operation).not.toHaveBeenCalled();
  });
});
