/**
 * The pauses between the attempts to deliver an event, in seconds: 23 hours in all. Standard
 * Webhooks recommend more, but a message of SQS can't be hidden for longer than 12 hours at once,
 * and an event that is a day old is of little use.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
 */
const pauses = [5, 30, 120, 300, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 21_600];

/** How often an event is tried before it goes to the dead-letter queue. */
export const maxAttempts = pauses.length + 1;

/** Pauses vary by this share, so that events that failed together don't come back together. */
const jitter = 0.1;

/**
 * The pause after a failed attempt, in seconds; undefined after the last one.
 *
 * @param attempt counted from 1
 * @param retryAfterSeconds how long the receiver asks to wait: heeded up to the longest pause
 */
export function pauseAfter(attempt: number, retryAfterSeconds = 0): number | undefined {
  const pause = pauses[attempt - 1];
  if (pause === undefined) return undefined;
  const varied = Math.ceil(pause * (1 - jitter + 2 * jitter * Math.random()));
  return Math.max(varied, Math.min(retryAfterSeconds, Math.max(...pauses)));
}
