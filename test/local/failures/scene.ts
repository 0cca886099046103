import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../../cli/drayage.js', import.meta.url));

/** What fails, and a function that provokes it and returns what the user sees. */
export type Failure = [title: string, provoke: (scene: Scene) => Promise<string>];

/** How a command is run, apart from its arguments. */
export interface RunOptions {
  /** Added to the environment, and shown before the command. */
  env?: Record<string, string>;
  /** A file that receives standard output. */
  stdout?: string;
  /** Takes away root's right to read and write everything; other users do not have it. */
  unprivileged?: boolean;
  /** The longest file that the process may write, KiB. */
  fileSizeKiB?: number;
}

/**
 * Where one failure is provoked: a folder, which is both the command's working directory and its
 * user's home, and what runs meanwhile.
 */
export class Scene implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'drayage-failures-'));
  readonly #names: [string, string][] = [[this.folder, 'FOLDER']];
  readonly #stack = new AsyncDisposableStack();

  constructor() {
    this.#stack.defer(() => rm(this.folder, { recursive: true, force: true }));
  }

  /** Writes a file; an object becomes JSON. @returns its path */
  write(path: string, content: string | object): string {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  }

  /** Says how to show a text that differs each time. */
  name(text: string, shown: string): void {
    this.#names.push([text, shown]);
  }

  /** Keeps something until the scene ends. */
  use<T extends AsyncDisposable>(resource: T): T {
    return this.#stack.use(resource);
  }

  /** Runs the command to its end. @returns the command line, what it wrote, and how it ended */
  async run(args: string[], options: RunOptions = {}): Promise<string> {
    return await this.#ended(this.#spawn(args, options), args, options);
  }

  /**
   * Starts a command that runs until the scene ends.
   *
   * @returns its first line, and what is reported of it at its end without its results
   */
  async start(args: string[], options: RunOptions = {}): Promise<{ line: string; ended: Promise<string> }> {
    const child = this.#spawn(args, options);
    const lines: AsyncIterable<string> = createInterface(child.stdout as Readable);
    const ended = this.#ended(child, args, options);
    for await (const line of lines)
      return { line, ended: ended.then((told) => told.replaceAll(/^\{.*\n/gm, '')) };
    throw new Error(await ended);
  }

  async #ended(child: ChildProcess, args: string[], options: RunOptions): Promise<string> {
    const written = [child.stdout, child.stderr].map((stream) => {
      const chunks: Buffer[] = [];
      stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
      return () => Buffer.concat(chunks).toString('utf8');
    });
    const [code] = await once(child, 'close');
    const [stdout = '', stderr = ''] = written.map((text) => text());
    const variables = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value} `);
    const target = options.stdout === undefined ? '' : ` > ${options.stdout}`;
    const shown = `$ ${variables.join('')}drayage ${args.map(quoted).join(' ')}${target}\n`;
    return this.#named(`${shown}${stdout}${stderr}[exit code ${code}]`);
  }

  #spawn(args: string[], options: RunOptions): ChildProcess {
    const [command = '', ...rest] = [...wrapper(options), process.execPath, program, ...args];
    const output = options.stdout === undefined ? undefined : openSync(options.stdout, 'w');
    const child = spawn(command, rest, {
      cwd: this.folder,
      env: { ...environment(this.folder), ...options.env },
      stdio: ['ignore', output ?? 'pipe', 'pipe'],
    });
    if (output !== undefined) closeSync(output);
    this.#stack.defer(() => void child.kill('SIGKILL'));
    return child;
  }

  #named(text: string): string {
    return (
      this.#names
        .toSorted(([one], [other]) => other.length - one.length)
        .reduce((shown, [real, name]) => shown.replaceAll(real, name), text)
        .replace(/\b(process|ps -p) \d+/g, '$1 PID')
        .replace(/\(tried [^)]*\)/g, '(tried ADDRESSES)')
        // Which blob fails first, and whether its progress is shown before, is up to chance.
        .replace(/sha256:(?!0{64})[0-9a-f]{64}/g, 'sha256:DIGEST')
        .replace(/^copying .*\n/gm, '')
        .replace(/"durationMs":\d+/g, '"durationMs":MS')
        .replace(/^(blobs: .* in) [\d.]+ m?s$/gm, '$1 TIME')
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function wrapper({ unprivileged, fileSizeKiB }: RunOptions): string[] {
  const isRoot = process.getuid?.() === 0;
  return [
    ...(unprivileged && isRoot ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] : []),
    // POSIX counts in blocks of 512 bytes.
    ...(fileSizeKiB === undefined ? [] : ['sh', '-c', `ulimit -f ${fileSizeKiB * 2} && exec "$@"`, 'sh']),
  ];
}

/** The environment of somebody without logins, proxies or an AWS account. */
function environment(home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: home,
    XDG_RUNTIME_DIR: join(home, 'run'),
    AWS_EC2_METADATA_DISABLED: 'true',
    POWERTOOLS_LOG_LEVEL: 'ERROR',
  };
}

function quoted(text: string): string {
  return /^[\w./:@=+-]+$/.test(text) ? text : `'${text}'`;
}
