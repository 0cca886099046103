import type { Context, SQSRecord } from 'aws-lambda';
import { DeadlineError } from '../../core/jobs/deadline.ts';
import { logger } from './telemetry.ts';

/** Time limit of a job, well below the functions' 900 s, so that its end can always be recorded. */
const jobDeadlineMs = 780_000;
/** Reserved from a shorter timeout for recording the end. */
const reserveMs = 15_000;
/** The longest retry delay of a message that crashed, in seconds. */
const maxRetrySeconds = 900;
/** How long a message stays hidden after its function's last renewal, seconds. */
const defaultHoldSeconds = 120;

/** A queue that hides a received message from others until it is deleted. */
export interface VisibilityQueue {
  hideFor(receiptHandle: string, seconds: number): Promise<void>;
  remove(receiptHandle: string): Promise<void>;
}

/** The messages of an invocation, hidden from others while it works. */
export interface MessageHold {
  /** Stops renewing a message, or all of them; resolves when no renewal is in progress any more. */
  end(record?: SQSRecord): Promise<void>;
}

/** The work of an invocation. */
export interface MessageBatch {
  records: SQSRecord[];
  context: Context;
  hold: MessageHold;
  /** After how many seconds a message that crashed is first retried. */
  retrySeconds: number;
}

/**
 * Keeps the messages of an invocation hidden while it works: for `holdSeconds`, renewed at half of
 * that time, instead of the queue's visibility timeout of fifteen minutes. When a function dies
 * (out of memory, timeout, runtime exit), the renewals stop. This is best effort: if a renewal
 * fails, the queue's own timeout applies.
 *
 * Once released, a message stays hidden until the time that was set last; the releasing code can
 * set another.
 */
export function holdMessages(
  records: SQSRecord[],
  queue: Pick<VisibilityQueue, 'hideFor'>,
  holdSeconds = defaultHoldSeconds,
): MessageHold {
  const held = new Set(records);
  let sending = Promise.resolve();
  const hold = () => {
    const sent = [...held].map(({ receiptHandle, messageId }) =>
      queue.hideFor(receiptHandle, holdSeconds).catch((error: Error) => {
        logger.warn('the message’s visibility timeout could not be set', { messageId, error });
      }),
    );
    sending = Promise.all([sending, ...sent]).then(() => {});
  };
  hold();
  const timer = setInterval(hold, (holdSeconds * 1000) / 2);
  return {
    async end(record) {
      if (record) held.delete(record);
      else held.clear();
      if (held.size === 0) clearInterval(timer);
      await sending;
    },
  };
}

/**
 * Works until shortly before the invocation times out: the signal is then aborted with a {@link
 * DeadlineError}. `endsAt`: when that is, in milliseconds since 1970.
 */
export async function withDeadline<T>(
  context: Context,
  work: (signal: AbortSignal, endsAt: number) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const time = Math.min(jobDeadlineMs, Math.max(1_000, context.getRemainingTimeInMillis() - reserveMs));
  const timer = setTimeout(() => deadline.abort(new DeadlineError()), time);
  try {
    return await work(deadline.signal, Date.now() + time);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Retries a message after some time, longer each time. It never rejects: on failure, the message
 * returns when the time for which it was last hidden is over.
 */
export async function comeAgainSoon(
  record: SQSRecord,
  queue: Pick<VisibilityQueue, 'hideFor'>,
  firstSeconds: number,
): Promise<void> {
  const received = Number(record.attributes.ApproximateReceiveCount) || 1;
  try {
    await queue.hideFor(record.receiptHandle, Math.min(maxRetrySeconds, firstSeconds * 2 ** (received - 1)));
  } catch (error) {
    logger.warn('the message is retried only after its visibility timeout', { error: error as Error });
  }
}
