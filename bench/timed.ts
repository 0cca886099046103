import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { interruptible } from './interruption.ts';

/** What a command took, as the operating system counts it. */
export interface Timing {
  wallSeconds: number;
  /** User and system, of all its processes. */
  cpuSeconds: number;
  /** Of its largest process. */
  peakMegabytes: number;
}

/** Runs a command under GNU time. @throws when it fails, with what it wrote */
export async function timed(command: string[], environment: Record<string, string> = {}): Promise<Timing> {
  await using run = await interruptible(() => runUnderTime(command, environment));
  const code = await run.ended;
  const stderr = run.stderr();
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr}`);
  const [wall = 0, user = 0, system = 0, kilobytes = 0] = (stderr.trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  return { wallSeconds: wall, cpuSeconds: user + system, peakMegabytes: kilobytes / 1024 };
}

function runUnderTime(command: string[], environment: Record<string, string>) {
  const child = spawn('/usr/bin/time', ['-f', '%e %U %S %M', ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
    // A process group of its own: an interrupted bench ends the command and not only GNU time.
    detached: true,
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    ended,
    stderr: () => stderr,
    async [Symbol.asyncDispose]() {
      const isRunning = child.exitCode === null && child.signalCode === null;
      if (child.pid !== undefined && isRunning) process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
  };
}
