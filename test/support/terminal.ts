import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { FakeScreen } from './screen.ts';

const launcher = fileURLToPath(new URL('../../cli/drayage.js', import.meta.url));
const pty = fileURLToPath(new URL('terminal.py', import.meta.url));

/** A `drayage` command on a pseudo-terminal, which needs python3. */
export interface OnTerminal extends AsyncDisposable {
  /** What its user sees. */
  screen: FakeScreen;
  /**
   * Waits until the text is on the screen or has scrolled away; fails if the command ends without
   * it.
   */
  sees(text: string): Promise<void>;
  /** Makes the window narrower or wider. */
  resize(columns: number): void;
  /** Ctrl-C. */
  interrupt(): void;
  /** Presses keys. */
  type(text: string): void;
  /** SIGTERM. */
  terminate(): void;
  /** The exit code. */
  ended: Promise<number | null>;
}

/**
 * Starts a command on a terminal with this many columns; all its lines are kept.
 *
 * @param redirect what does not go to the terminal, as a shell writes it: `2>log`
 */
export function startOnTerminal(args: string[], columns: number, redirect = ''): OnTerminal {
  const screen = new FakeScreen(columns, 24);
  const command = ['sh', '-c', `exec "$@" ${redirect}`, 'sh', process.execPath, launcher, ...args];
  const child = spawn('python3', [pty, `${columns}`, '24', ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // The gate's own NO_COLOR would remove what is tested.
    env: { ...process.env, NO_COLOR: undefined, FORCE_COLOR: undefined, TERM: 'xterm-256color' },
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => screen.write(text));
  const closed = once(child, 'close') as Promise<[number | null]>;
  const all = () => [...screen.history, ...screen.shown].join('\n');
  return {
    screen,
    async sees(text) {
      while (!all().includes(text)) {
        if (child.exitCode !== null) throw new Error(`${text} was never on the screen:\n${all()}`);
        await Promise.race([once(child.stdout, 'data'), closed]);
      }
    },
    resize(width) {
      child.stdin.write(`resize ${width}\n`);
      screen.resize(width);
    },
    interrupt: () => void child.stdin.write('interrupt\n'),
    type: (text) => void child.stdin.write(`type ${text}\n`),
    terminate: () => void child.stdin.write('terminate\n'),
    ended: closed.then(([code]) => code),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) child.kill('SIGKILL');
      await closed;
    },
  };
}
