import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Ready } from '../../local/stack.ts';

const file = fileURLToPath(new URL('../../cli/drayage.js', import.meta.url));

/** How a command ended. */
export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** How a program is started. */
export interface StartOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** What stands on standard input; none by default. */
  input?: string | Uint8Array;
}

/** Runs `drayage` with arguments until it ends. */
export function drayage(args: string[], options: StartOptions = {}): Promise<CommandResult> {
  return startDrayage(args, options).ended;
}

/** Starts `drayage` with arguments; `end` sends it a signal. */
export function startDrayage(args: string[], options: StartOptions = {}) {
  return startNode(file, args, options);
}

/** Starts a program of ours with arguments; `end` sends it a signal. */
export function startNode(program: string, args: string[], { input, ...options }: StartOptions = {}) {
  const child = spawn(process.execPath, [program, ...args], {
    ...options,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  // A command that ends before it has read everything is no failure of ours.
  child.stdin?.on('error', () => {}).end(input);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const ended = once(child, 'close').then(
    ([code]): CommandResult => ({ code: code as number | null, stdout: stdout(), stderr: stderr() }),
  );
  return {
    ended,
    end(signal: NodeJS.Signals): Promise<CommandResult> {
      child.kill(signal);
      return ended;
    },
  };
}

/** A running `drayage local`. */
export interface RunningLocal extends AsyncDisposable {
  ready: Ready;
  /** All lines of standard output so far. */
  stdout(): string;
  stderr(): string;
  /** Sends the signal and resolves with the exit code when the process is gone. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts `drayage local` and waits for its first line. */
export async function startDrayageLocal(args: string[]): Promise<RunningLocal> {
  const child = spawn(process.execPath, [file, 'local', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const closed = once(child, 'close');
  while (!stdout().includes('\n')) {
    if (child.exitCode !== null) throw new Error(`drayage local ended with ${child.exitCode}: ${stderr()}`);
    await Promise.race([once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data'), closed]);
  }
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const [code] = (await closed) as [number | null];
    return code;
  };
  return {
    ready: JSON.parse(stdout().split('\n')[0] ?? ''),
    stdout,
    stderr,
    end,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await end('SIGKILL');
    },
  };
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}
