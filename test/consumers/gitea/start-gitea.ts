import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../support/docker-registry.ts';

const run = promisify(execFile);

/** Where Gitea is after its build. */
export interface GiteaProgram {
  binary: string;
  /** The folder of its source, from which it reads templates and locales. */
  staticRoot: string;
}

/** A running Gitea with one user, whose packages are public. */
export interface Gitea extends AsyncDisposable {
  /** 127.0.0.1:PORT */
  host: string;
  endpoint: string;
  version: string;
  user: string;
  password: string;
  /** An access token that may write the user's webhooks, and nothing else. */
  token: string;
  /** Its SQLite file. */
  database: string;
}

/**
 * Starts one with all its data in a temporary folder.
 *
 * @throws when it does not start, with what it wrote
 */
export async function startGitea({ binary, staticRoot }: GiteaProgram): Promise<Gitea> {
  const folder = mkdtempSync(join(tmpdir(), 'gitea-'));
  let server: ChildProcess | undefined;
  const dispose = async () => {
    if (server) await end(server);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const [user, password] = ['acme', 'a password of this run'];
    const settings = join(folder, 'app.ini');
    writeFileSync(settings, appIni(folder, port, staticRoot));
    const gitea = (...args: string[]) => run(binary, ['--work-path', folder, '--config', settings, ...args]);
    await gitea('migrate');
    const account = ['--admin', '--username', user, '--password', password, '--email', 'ci@acme.example'];
    await gitea('admin', 'user', 'create', ...account, '--must-change-password=false');

    server = spawn(binary, ['--work-path', folder, '--config', settings, 'web'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await ready(server, `${endpoint}/api/v1/version`);
    const { version } = (await (await fetch(`${endpoint}/api/v1/version`)).json()) as { version: string };
    return {
      host: `127.0.0.1:${port}`,
      endpoint,
      version,
      user,
      password,
      token: await createToken(endpoint, user, password),
      database: join(folder, 'gitea.db'),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** https://docs.gitea.com/administration/config-cheat-sheet */
function appIni(folder: string, port: number, staticRoot: string): string {
  mkdirSync(join(folder, 'data'));
  return `RUN_USER = ${userInfo().username}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = http://127.0.0.1:${port}/
STATIC_ROOT_PATH = ${staticRoot}
APP_DATA_PATH = ${join(folder, 'data')}
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = ${join(folder, 'gitea.db')}
[security]
INSTALL_LOCK = true
[webhook]
ALLOWED_HOST_LIST = loopback
[log]
LEVEL = Warn
`;
}

/** https://docs.gitea.com/development/oauth2-provider#scopes */
async function createToken(endpoint: string, user: string, password: string): Promise<string> {
  const response = await fetch(`${endpoint}/api/v1/users/${user}/tokens`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    },
    body: JSON.stringify({ name: 'drayage', scopes: ['write:user'] }),
  });
  if (response.status !== 201)
    throw new Error(`Gitea gave no token: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { sha1: string }).sha1;
}

async function ready(server: ChildProcess, url: string): Promise<void> {
  const output: Buffer[] = [];
  for (const stream of [server.stdout, server.stderr])
    stream?.on('data', (chunk: Buffer) => output.push(chunk));
  for (const until = Date.now() + 60_000; Date.now() < until; await sleep(100)) {
    if (server.exitCode !== null)
      throw new Error(`Gitea ended with ${server.exitCode}:\n${Buffer.concat(output)}`);
    const answered = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
  }
  throw new Error(`Gitea did not answer within a minute:\n${Buffer.concat(output)}`);
}

/** Gitea waits up to a minute for open requests; nothing here is worth that. */
async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const impatient = setTimeout(() => server.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(impatient);
}
