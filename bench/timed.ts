import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What a command took, as the operating system counts it. */
export interface Timing {
  wallSeconds: number;
  /** User and system, of all its processes. */
  cpuSeconds: number;
  /** Of its largest process. */
  peakMegabytes: number;
}

/** Runs a command under GNU time. @throws when it fails, with what it wrote. */
export async function timed(command: string[], environment: Record<string, string> = {}): Promise<Timing> {
  const child = spawn('/usr/bin/time', ['-f', '%e %U %S %M', ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr}`);
  const [wall = 0, user = 0, system = 0, kilobytes = 0] = (stderr.trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  return { wallSeconds: wall, cpuSeconds: user + system, peakMegabytes: kilobytes / 1024 };
}
