import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { interruptible } from './interruption.ts';

/** The resources that a command used, according to the operating system. */
export interface Timing {
  wallSeconds: number;
  /** User and system, of all its processes. */
  cpuSeconds: number;
  /** Of its largest process. */
  peakMegabytes: number;
}

/** A command that runs under GNU time. Disposing of it kills it unless it has ended. */
export interface TimedRun extends AsyncDisposable {
  /** The first line that it writes to standard output. @throws if it ends without one */
  firstLine(): Promise<string>;
  /** Asks it to end, as Ctrl-C does. */
  interrupt(): void;
  /** Resolves when it has ended, with the resources used. @throws if it failed, with its output */
  timing(): Promise<Timing>;
}

/** Runs a command under GNU time. @throws if it fails, with its output */
export async function timed(command: string[], environment: Record<string, string> = {}): Promise<Timing> {
  await using run = await startTimed(command, environment);
  return await run.timing();
}

/** Starts a command under GNU time. */
export function startTimed(command: string[], environment: Record<string, string> = {}): Promise<TimedRun> {
  return interruptible(() => runUnderTime(command, environment));
}

function runUnderTime(command: string[], environment: Record<string, string>): TimedRun {
  const child = spawn('/usr/bin/time', ['-f', '%e %U %S %M', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
    // A process group of its own: an interrupted bench ends the command, not only GNU time.
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  const line = new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      // The output may be long: only the first line is kept.
      if (!stdout.includes('\n')) stdout += chunk;
      if (stdout.includes('\n')) resolve(stdout.slice(0, stdout.indexOf('\n')));
    });
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const failure = (code: number | null) => new Error(`${command.join(' ')} ended with ${code}: ${stderr}`);
  return {
    firstLine: () =>
      Promise.race([
        line,
        ended.then((code) => {
          throw failure(code);
        }),
      ]),
    interrupt() {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
    },
    async timing() {
      const code = await ended;
      if (code !== 0) throw failure(code);
      const [wall = 0, user = 0, system = 0, kilobytes = 0] = (stderr.trim().split('\n').at(-1) ?? '')
        .split(' ')
        .map(Number);
      return { wallSeconds: wall, cpuSeconds: user + system, peakMegabytes: kilobytes / 1024 };
    },
    async [Symbol.asyncDispose]() {
      const isRunning = child.exitCode === null && child.signalCode === null;
      if (child.pid !== undefined && isRunning) process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
  };
}
