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
  const closed = once(child, 'close');
  await using _ = interruptible({
    async [Symbol.asyncDispose]() {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, 'SIGKILL');
      }
      await closed;
    },
  });
  const [code] = (await closed) as [number | null];
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr}`);
  const [wall = 0, user = 0, system = 0, kilobytes = 0] = (stderr.trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  return { wallSeconds: wall, cpuSeconds: user + system, peakMegabytes: kilobytes / 1024 };
}
