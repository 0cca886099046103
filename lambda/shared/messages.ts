import type { Context, SQSRecord } from 'aws-lambda';
import { DeadlineError } from '../../core/jobs/process-message.ts';
import { logger } from './telemetry.ts';

/** A job gets this long, well below the functions' 900 s, so that its end can always be recorded. */
const jobDeadlineMs = 780_000;
/** Kept of a shorter timeout for recording the end. */
const reserveMs = 15_000;
/** The longest wait for a message that crashed, seconds. */
const maxRetrySeconds = 900;

/** Works until the invocation's time is nearly used up: the signal then ends with a {@link DeadlineError}. */
export async function withDeadline<T>(
  context: Context,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const time = Math.min(jobDeadlineMs, Math.max(1_000, context.getRemainingTimeInMillis() - reserveMs));
  const timer = setTimeout(() => deadline.abort(new DeadlineError()), time);
  try {
    return await work(deadline.signal);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Lets a message come again after some time, then longer each time: waiting for the visibility timeout would take half an
 * hour. It never rejects: the message then comes after that.
 */
export async function comeAgainSoon(
  record: SQSRecord,
  queue: { retryIn(receiptHandle: string, seconds: number): Promise<void> },
  firstSeconds: number,
): Promise<void> {
  const received = Number(record.attributes.ApproximateReceiveCount) || 1;
  try {
    await queue.retryIn(record.receiptHandle, Math.min(maxRetrySeconds, firstSeconds * 2 ** (received - 1)));
  } catch (error) {
    logger.warn('the message comes again after the visibility timeout only', { error: error as Error });
  }
}
