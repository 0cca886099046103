import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A running program of the cluster. */
export interface Program {
  pid: number;
  /** What it has written so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts a program that writes its output into a file. */
export function startProgram(
  file: string,
  args: readonly string[],
  { log, env = process.env }: { log: string; env?: NodeJS.ProcessEnv },
): Program {
  const output = openSync(log, 'w');
  const child = spawn(file, args, { stdio: ['ignore', output, output], env });
  child.on('error', (error) => process.stderr.write(`${file}: ${error.message}\n`));
  return {
    pid: child.pid ?? 0,
    log: () => readFileSync(log, 'utf8'),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await once(child, 'exit');
      clearTimeout(killer);
    },
  };
}

/** Asks again until the answer is not undefined. @throws when it takes longer than `seconds` */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  seconds = 60,
): Promise<T> {
  for (const until = Date.now() + seconds * 1_000; Date.now() < until; await sleep(100)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new Error(`${what} did not happen within ${seconds} s`);
}
