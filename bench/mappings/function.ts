import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { interruptible } from '../interruption.ts';

/** One invocation. */
export interface Invoked {
  answer: unknown;
  ms: number;
  cpuMs: number;
  /** The most memory of the process so far. */
  peakMegabytes: number;
}

/** One instance of a function in a process of its own. */
export interface FunctionProcess extends AsyncDisposable {
  invoke(event: unknown): Promise<Invoked>;
}

/** Below the 512 MB of the deployed functions, as Lambda leaves room for what is not V8's heap. */
const heapMegabytes = 400;

/**
 * Starts an instance of a bundled function.
 *
 * @param onLog takes what it logs; absent: warnings go to standard error
 */
export function startFunction(
  bundle: string,
  environment: Record<string, string>,
  heap = heapMegabytes,
  onLog?: (text: string) => void,
): Promise<FunctionProcess> {
  return interruptible(async () => {
    const child = fork(join(import.meta.dirname, 'process.ts'), [bundle], {
      execArgv: [`--max-old-space-size=${heap}`],
      env: { ...process.env, ...environment, POWERTOOLS_LOG_LEVEL: onLog ? 'INFO' : 'WARN' },
      serialization: 'advanced',
      silent: onLog !== undefined,
    });
    for (const output of [child.stdout, child.stderr])
      output?.setEncoding('utf8').on('data', (text: string) => onLog?.(text));
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${bundle} ended with ${code}`);
    });
    ended.catch(() => {}); // it is ended in the end; whoever waits for an answer gets the error
    const next = async () => (await Promise.race([once(child, 'message'), ended]))[0] as unknown;
    await next();
    return {
      async invoke(event) {
        const message = next();
        child.send(event as object);
        return (await message) as Invoked;
      },
      async [Symbol.asyncDispose]() {
        child.kill('SIGKILL');
      },
    };
  });
}
