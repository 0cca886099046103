import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/docker-registry.ts';
import { findProgram } from '../support/find-program.ts';

/** MiniStack, an emulator of AWS, in a process of its own. It is the PyPI package ministack. */
export interface MiniStack extends AsyncDisposable {
  /** Where every AWS client points (AWS_ENDPOINT_URL). */
  endpoint: string;
  /** What the emulator and the functions in it have written. */
  log(): string;
}

const program = {
  title: 'MiniStack',
  name: 'ministack',
  variable: 'DRAYAGE_MINISTACK',
  remedy: `install it and say where it is:
    python3 -m venv .venv && .venv/bin/pip install ministack==1.5.33
    DRAYAGE_MINISTACK=.venv/bin/ministack npm run test:deploy`,
};

const startWithinMs = 60_000;

/**
 * Starts MiniStack on a free port of loopback, with its state in a folder that the caller removes.
 *
 * @throws Error with the remedy when the program is missing, and with its output when it does not
 *   start
 */
export async function startMiniStack(folder: string): Promise<MiniStack> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const child = spawn(findProgram(program), [], {
    // It has its own group: the functions' processes are its children, and end with the group.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // It gets nothing else of our environment, because the functions inherit MiniStack's. On Lambda
    // they would not.
    env: {
      // Its Lambdas run on the first `node` in the PATH: the one that runs this test.
      PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
      HOME: folder,
      TMPDIR: folder,
      STATE_DIR: folder,
      GATEWAY_PORT: String(port),
      BIND_HOST: '127.0.0.1',
      // Listeners on fixed ports that nothing here needs.
      IOT_MTLS_ENABLED: '0',
      SFTP_ENABLED: '0',
    },
  });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  const log = () => Buffer.concat(output).toString('utf8');
  const stop = async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    process.kill(-child.pid, 'SIGTERM');
    const killer = setTimeout(() => process.kill(-Number(child.pid), 'SIGKILL'), 5_000);
    await exited;
    clearTimeout(killer);
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await ready(`${endpoint}/_ministack/health`, () => child.exitCode !== null);
  } catch (cause) {
    await stop();
    throw new Error(`MiniStack did not start:\n${log()}`, { cause });
  }
  return { endpoint, log, [Symbol.asyncDispose]: stop };
}

async function ready(url: string, hasExited: () => boolean): Promise<void> {
  const until = Date.now() + startWithinMs;
  for (;;) {
    try {
      if ((await fetch(url)).ok) return;
    } catch (cause) {
      if (hasExited() || Date.now() > until) throw cause;
    }
    if (hasExited() || Date.now() > until) throw new Error(`${url} does not answer`);
    await sleep(100);
  }
}
