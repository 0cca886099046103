import { DrayageError } from '../errors.ts';
import { boundedText } from '../oci/plain-text.ts';
import { lacksContent } from '../registry/errors.ts';
import { mayBeEarly, pauseForImage } from './early-event.ts';
import { JobWait } from './errors.ts';
import type { JobError, JobRecord } from './record.ts';
import { pauseForSignature, SignatureMissingError } from './verification/signature-wait.ts';

/** What happens to a job after an error. */
export type Verdict =
  /**
   * Another attempt may succeed: wait until then. Only a `failure` counts against the budget of
   * attempts.
   */
  | {
      kind: 'wait';
      why: 'failure' | 'rate-limit' | 'early-event' | 'outage' | 'requirement' | 'signature';
      delayMs: number;
      error: JobError;
    }
  /** No attempt can succeed. */
  | { kind: 'fail'; error: JobError }
  /**
   * Not the image's fault, but ours or our infrastructure's: the message goes back to the queue.
   */
  | { kind: 'crash' };

/**
 * After this many counted attempts, a temporary failure becomes permanent. With the delays below,
 * this takes two to three hours.
 */
export const maxAttempts = 12;
const firstDelayMs = 30_000;
const maxDelayMs = 30 * 60_000;
const rateLimitDelayMs = 5 * 60_000;
/** Jobs that wait for the same time are spread over at most this period after it. */
const limitSpreadMs = 30_000;
/** The longest wait, however long a registry asks for: a job must not wait for a year. */
const maxWaitMs = 6 * 3_600_000;
/** An error message can contain text from an image or a registry; a record must stay small. */
const maxTextLength = 1_000;

/** What a job's record says about an error. */
export function jobError({ code, side, message, remedy }: DrayageError): JobError {
  return {
    code: boundedText(code, 100),
    side,
    message: boundedText(message, maxTextLength),
    remedy: boundedText(remedy, maxTextLength),
  };
}

/**
 * Decides what happens to a job whose attempt ended with an error. Neither a rate limit nor an
 * image or signature that is not there yet counts against the budget of attempts: a rate limit says
 * nothing about the image, and the others have limits of their own. Neither does waiting for what a
 * rule requires.
 *
 * @param clock.random 0 ≤ random < 1; spreads the retries of jobs that failed together over the
 *   second half of the delay.
 */
export function decideRetry(
  error: unknown,
  job: Pick<JobRecord, 'attempts' | 'trigger' | 'receivedAt' | 'heldUntil'>,
  { now, random = Math.random() }: { now: Date; random?: number },
): Verdict {
  if (!(error instanceof DrayageError)) return { kind: 'crash' };
  const failure = jobError(error);
  if (error instanceof JobWait) {
    const delayMs = Math.max(0, error.until.getTime() - now.getTime());
    return { kind: 'wait', why: 'requirement', delayMs, error: failure };
  }
  if (mayBeEarly(error, job, now))
    return { kind: 'wait', why: 'early-event', delayMs: pauseForImage(job, now), error: failure };
  if (error instanceof SignatureMissingError) return waitForSignature(failure, job, now);
  const { retry } = error;
  // What was there when the image was planned has been deleted since: the next attempt asks again.
  if (retry.kind === 'never' && !lacksContent(error)) return { kind: 'fail', error: failure };
  if (retry.kind === 'rate-limit') {
    return { kind: 'wait', why: 'rate-limit', delayMs: limitDelay(retry.afterMs, random), error: failure };
  }
  if (job.attempts < maxAttempts) {
    const afterMs = retry.kind === 'backoff' ? retry.afterMs : undefined;
    const delayMs = atMost(Math.max(afterMs ?? 0, backoffAfter(job.attempts) * (0.5 + random / 2)));
    return { kind: 'wait', why: 'failure', delayMs, error: failure };
  }
  const message = `${failure.message} (given up after ${job.attempts} attempts)`;
  return { kind: 'fail', error: { ...failure, message } };
}

/** Images are signed after they are pushed. It says nothing about the image, up to a point. */
function waitForSignature(
  error: JobError,
  job: Pick<JobRecord, 'receivedAt' | 'heldUntil'>,
  now: Date,
): Verdict {
  const delayMs = pauseForSignature(job, now);
  return delayMs === undefined ? { kind: 'fail', error } : { kind: 'wait', why: 'signature', delayMs, error };
}

function backoffAfter(attempts: number): number {
  return Math.min(maxDelayMs, firstDelayMs * 2 ** Math.max(0, attempts - 1));
}

/**
 * If a rate limit names no time, the job is retried every few minutes: more often would only
 * prolong the limit. If it names one, the waiting jobs do not all come back at once.
 */
function limitDelay(afterMs: number | undefined, random: number): number {
  if (afterMs === undefined) return atMost(rateLimitDelayMs * (0.5 + random / 2));
  return atMost(afterMs + random * Math.min(limitSpreadMs, Math.max(1_000, afterMs / 10)));
}

function atMost(delayMs: number): number {
  return Math.round(Math.min(maxWaitMs, delayMs));
}
