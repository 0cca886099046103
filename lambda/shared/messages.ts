import type { Context, SQSRecord } from 'aws-lambda';
import { DeadlineError } from '../../core/jobs/process-message.ts';
import { logger } from './telemetry.ts';

/** A job gets this long, well below the functions' 900 s, so that its end can always be recorded. */
const jobDeadlineMs = 780_000;
/** Kept of a shorter timeout for recording the end. */
const reserveMs = 15_000;
/** The longest wait for a message that crashed, seconds. */
const maxRetrySeconds = 900;
/** A message stays hidden for so long after the last sign of life of the function that has it, seconds. */
const holdSeconds = Number(process.env.DRAYAGE_HOLD_SECONDS ?? 120);

type VisibilityQueue = { hideFor(receiptHandle: string, seconds: number): Promise<void> };

/** The messages of an invocation, hidden from others while it works. */
export interface MessageHold {
  /** Lets a message go, or all: resolves when nothing that was sent for it is on its way any more. */
  end(record?: SQSRecord): Promise<void>;
}

/**
 * Shows that the messages of an invocation are worked on: they stay hidden for two minutes, and for two more each minute, instead of
 * for the queue's visibility timeout of fifteen. A function that dies (out of memory, at its timeout, by an exit of its runtime) shows
 * nothing any more. Best effort: where it fails, the queue's own timeout counts.
 *
 * A message that was let go stays hidden until the time that was set last, which is for whoever lets it go to set.
 */
export function holdMessages(records: SQSRecord[], queue: VisibilityQueue): MessageHold {
  const held = new Set(records);
  let sending = Promise.resolve();
  const hold = () => {
    const sent = [...held].map(({ receiptHandle, messageId }) =>
      queue.hideFor(receiptHandle, holdSeconds).catch((error: Error) => {
        logger.warn('the time for which the message stays hidden could not be set', { messageId, error });
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
 * Works until the invocation's time is nearly used up: the signal then ends with a {@link DeadlineError}. `endsAt`: when that is,
 * milliseconds since 1970.
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
 * Lets a message come again after some time, then longer each time. It never rejects: the message then comes after the time for which
 * it was hidden last.
 */
export async function comeAgainSoon(
  record: SQSRecord,
  queue: VisibilityQueue,
  firstSeconds: number,
): Promise<void> {
  const received = Number(record.attributes.ApproximateReceiveCount) || 1;
  try {
    const first = Number(process.env.DRAYAGE_RETRY_SECONDS ?? firstSeconds);
    await queue.hideFor(record.receiptHandle, Math.min(maxRetrySeconds, first * 2 ** (received - 1)));
  } catch (error) {
    logger.warn('the message comes again only when its time is over', { error: error as Error });
  }
}
