import { parentPort, workerData } from 'node:worker_threads';
import type { Context } from 'aws-lambda';

/** What the runner asks a function's thread to do. */
export interface Invocation {
  id: number;
  event: unknown;
  /** When the function's time is used up, milliseconds since 1970. */
  deadline: number;
}

/** What the thread answers. */
export type InvocationResult =
  | { id: number; value: unknown }
  | { id: number; error: { name: string; message: string } };

/** What the thread is started with. */
export interface FunctionWorkerData {
  /** The module that exports `handler`, a file URL. */
  module: string;
  functionName: string;
}

type Handler = (event: unknown, context: Context) => Promise<unknown>;

const { module, functionName } = workerData as FunctionWorkerData;
const { handler } = (await import(module)) as { handler: Handler };
const port = parentPort;
if (!port) throw new Error('this file is the inside of a worker thread');

port.on('message', async (invocation: Invocation) => {
  port.postMessage(await invoke(invocation));
});
port.postMessage('ready');

async function invoke({ id, event, deadline }: Invocation): Promise<InvocationResult> {
  try {
    // Through JSON as in Lambda: what a handler returns must be representable there.
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
