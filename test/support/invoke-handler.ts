/**
 * Runs one of our Lambda handlers once, in a process of its own, which others may kill: `node
 * invoke-handler.ts INVOCATION`, with the invocation as JSON. The handler's answer goes to standard
 * output, its log to standard error.
 */
import type { Context, SQSEvent, SQSRecord } from 'aws-lambda';

/** What the process is asked to do. */
export interface HandlerInvocation {
  /** The function's folder under lambda/. */
  name: string;
  /** The body of a message of its queue. */
  body: string;
  /** How much of the function's timeout is left, milliseconds. */
  remainingMs: number;
}

const [text = ''] = process.argv.slice(2);
const { name, body, remainingMs } = JSON.parse(text) as HandlerInvocation;
const endsAt = Date.now() + remainingMs;
// Lambda writes what the logger and the metrics print to the log.
console.log = console.info = console.error;
const { handler } = (await import(`../../lambda/${name}/handler.ts`)) as {
  handler(event: SQSEvent, context: Context): Promise<unknown>;
};
const record = { messageId: '1', receiptHandle: '1', body, attributes: { ApproximateReceiveCount: '1' } };
const context = {
  functionName: name,
  awsRequestId: '1',
  getRemainingTimeInMillis: () => endsAt - Date.now(),
};
const answer = await handler({ Records: [record as unknown as SQSRecord] }, context as unknown as Context);
process.stdout.write(JSON.stringify(answer), () => process.exit(0));
