import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';

/**
 * CloudFormation accepts answers of at most 4,096 bytes; everything besides the reason is short.
 */
const maxReasonLength = 1_000;
/**
 * How often to try sending the answer, how long one attempt may take, and the pause between two, in
 * milliseconds.
 */
const attempts = 4;
const requestMs = 5_000;
const pauseMs = 500;

/** The answer to CloudFormation: the work is done, or why not. */
export type Outcome = { status: 'SUCCESS' } | { status: 'FAILED'; reason: string };

/**
 * Does a custom resource's work and turns whatever happens into an outcome: a resource that does
 * not answer keeps its stack waiting for an hour.
 *
 * @param work gets a signal that is aborted after `withinMs`.
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
    // Raced as well: not everything obeys its signal.
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
 * @param physicalId identifies the resource permanently: a different one would make CloudFormation
 *   replace it.
 * @throws Error if the answer could not be sent; without the URL, which is a credential. Lambda
 *   then retries the function.
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
        // Bytes, since a string would get a Content-Type that the URL is not signed for.
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
