import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';

/**
 * CloudFormation takes an answer of 4,096 bytes at most; what is told besides the reason is short.
 */
const maxReasonLength = 1_000;
/**
 * How often the answer is sent, how long one may take and how long to wait between two,
 * milliseconds.
 */
const attempts = 4;
const requestMs = 5_000;
const pauseMs = 500;

/** What CloudFormation is told: the work is done, or why not. */
export type Outcome = { status: 'SUCCESS' } | { status: 'FAILED'; reason: string };

/**
 * Does a custom resource's work and makes an outcome of whatever happens: a resource that tells
 * nothing keeps its stack waiting for an hour.
 *
 * @param work gets the signal that ends after `withinMs`.
 */
export async function outcomeOf(
  what: string,
  withinMs: number,
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<Outcome> {
  const late = new AbortController();
  const tooLate = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new Error(`it took longer than ${withinMs / 1_000} s`);
    late.abort(error);
    tooLate.reject(error);
  }, withinMs);
  try {
    // Raced as well: not everything heeds its signal.
    await Promise.race([work(late.signal), tooLate.promise]);
    return { status: 'SUCCESS' };
  } catch (thrown) {
    const error = late.signal.aborted ? late.signal.reason : thrown;
    const told = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { status: 'FAILED', reason: `${what} failed: ${told}`.slice(0, maxReasonLength) };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Answers CloudFormation at the URL that came with its request.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
 *
 * @param physicalId names the resource for ever: another one would make CloudFormation replace it.
 * @throws Error when the answer could not be sent, without the URL, which is a credential. Lambda
 *   then runs the function again.
 */
export async function answer(
  event: CloudFormationCustomResourceEvent,
  physicalId: string,
  outcome: Outcome,
): Promise<void> {
  const { StackId, RequestId, LogicalResourceId, ResponseURL } = event;
  const body = JSON.stringify({
    Status: outcome.status,
    ...(outcome.status === 'FAILED' && { Reason: outcome.reason }),
    PhysicalResourceId: physicalId,
    StackId,
    RequestId,
    LogicalResourceId,
  });
  let problem = '';
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (attempt > 1) await sleep(pauseMs * 2 ** (attempt - 2));
    try {
      const { ok, status } = await fetch(ResponseURL, {
        method: 'PUT',
        // Bytes, since a text would come with a Content-Type that the URL is not signed for.
        body: Buffer.from(body),
        signal: AbortSignal.timeout(requestMs),
      });
      if (ok) return;
      problem = `status ${status}`;
    } catch (error) {
      const { name, cause } = error as Error;
      problem = cause instanceof Error && 'code' in cause ? String(cause.code) : name;
    }
  }
  throw new Error(`CloudFormation could not be answered after ${attempts} attempts: ${problem}`);
}
