import { parentPort, workerData } from 'node:worker_threads';
import type { Context } from 'aws-lambda';

/** The runner's request to a function's thread. */
export interface Invocation {
  id: number;
  event: unknown;
  /** When the function times out, in milliseconds since 1970. */
  deadline: number;
}

/** The thread's answer. */
export type InvocationResult =
  | { id: number; value: unknown }
  | { id: number; error: { name: string; message: string } };

/** The thread's start data. */
export interface FunctionWorkerData {
  /** The module that exports `handler`, a file URL. */
  module: string;
  functionName: string;
}

type Handler = (event: unknown, context: Context) => Promise<unknown>;

const { module, functionName } = workerData as FunctionWorkerData;
const { handler } = (await import(module)) as { handler: Handler };
const port = parentPort;
if (!port) throw new Error('this file must run in a worker thread');

port.on('message', async (invocation: Invocation) => {
  port.postMessage(await invoke(invocation));
});
port.postMessage('ready');

async function invoke({ id, event, deadline }: Invocation): Promise<InvocationResult> {
  try {
    // Through JSON, as in Lambda: a handler's result must be representable there.
    const value = await handler(event, context(id, deadline));
    return { id, value: value === undefined ? null : JSON.parse(JSON.stringify(value)) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { id, error: { name, message } };
  }
}

function context(id: number, deadline: number): Context {
  return {
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${functionName}`,
    memoryLimitInMB: '1024',
    awsRequestId: `local-${id}`,
    logGroupName: functionName,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => deadline - Date.now(),
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}
