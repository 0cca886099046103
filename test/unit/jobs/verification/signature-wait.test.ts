import { describe, expect, it } from 'vitest';
import { decideRetry } from '../../../../core/jobs/decide-retry.ts';
import {
  pauseForSignature,
  SignatureMissingError,
} from '../../../../core/jobs/verification/signature-wait.ts';

const receivedAt = '2026-04-01T12:00:00.000Z';
const start = Date.parse(receivedAt);
const pauseAt = (seconds: number) => {
  const pause = pauseForSignature({ receivedAt }, new Date(start + seconds * 1_000));
  return pause === undefined ? undefined : pause / 1_000;
};

describe('a job that waits for a signature', () => {
  it('looks in growing pauses, the last time an hour after its event', () => {
    const looks: number[] = [];
    for (let at = 1, pause = pauseAt(at); pause !== undefined; pause = pauseAt(at)) {
      at += pause;
      looks.push(at);
    }
    expect(looks).toEqual([15, 45, 105, 225, 525, 1_125, 1_725, 2_325, 2_925, 3_525, 3_600]);
  });

  it.each([
    ['a look that would come at once', 14, 31],
    ['the hour’s end', 3_599, 1],
    ['the hour', 3_600, undefined],
    ['days', 200_000, undefined],
    ['a clock that is behind', -10, 25],
  ])('%s: at %s s it waits for %s s', (_, age, expected) => {
    expect(pauseAt(age)).toBe(expected);
  });

  it('waits for an hour from when its image is old enough', () => {
    const heldUntil = new Date(start + 86_400_000).toISOString();
    const pause = (seconds: number) =>
      pauseForSignature({ receivedAt, heldUntil }, new Date(start + (86_400 + seconds) * 1_000));
    expect([pause(0), pause(3_599), pause(3_600)]).toEqual([15_000, 1_000, undefined]);
  });

  it.each([
    ['waits, whatever it has tried before', 60, { kind: 'wait', why: 'signature', delayMs: 45_000 }],
    ['fails after an hour', 3_600, { kind: 'fail' }],
  ])('%s', (_, age, expected) => {
    const job = { attempts: 40, trigger: 'webhook' as const, receivedAt };
    const verdict = decideRetry(new SignatureMissingError('not signed'), job, {
      now: new Date(start + age * 1_000),
    });
    expect(verdict).toMatchObject({
      ...expected,
      error: { code: 'signature_missing', side: 'upstream', message: 'not signed' },
    });
  });
});
