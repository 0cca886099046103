import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A running `docker-registry` of Debian (CNCF Distribution). */
export interface DockerRegistry extends AsyncDisposable {
  /** 127.0.0.1:PORT */
  host: string;
  endpoint: string;
  /**
   * Adds tags that name what `tag` names, in the registry's own storage. Thousands take no time.
   */
  addTags(repository: string, tag: string, more: string[]): void;
  /** The access log so far, one line per request. */
  accessLog(): string[];
  /** Everything that it has written so far, including its access log, one entry per line. */
  log(): string[];
  /** User and system time used so far, in seconds. */
  cpuSeconds(): number;
}

export interface DockerRegistryOptions {
  port?: number;
  /** Where it posts its own events, and with which Authorization header. */
  notify?: { url: string; authorization: string };
}

/** Takes a free port of loopback, for a program that must be told one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Starts one with its data in a temporary folder.
 *
 * @throws when the program is not installed, or does not start
 */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'docker-registry-'));
  mkdirSync(join(folder, 'data'));
  const port = options.port ?? (await freePort());
  const host = `127.0.0.1:${port}`;
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configuration(host, folder, options.notify)));
  const child = spawn('docker-registry', ['serve', join(folder, 'config.json')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  const log = () => Buffer.concat(output).toString('utf8');
  await ready(child, `http://${host}/v2/`, log);
  return {
    host,
    endpoint: `http://${host}`,
    addTags(repository, tag, more) {
      const tags = join(folder, 'data/docker/registry/v2/repositories', repository, '_manifests/tags');
      const link = readFileSync(join(tags, tag, 'current/link'));
      for (const name of more) {
        mkdirSync(join(tags, name, 'current'), { recursive: true });
        writeFileSync(join(tags, name, 'current/link'), link);
      }
    },
    accessLog: () =>
      log()
        .split('\n')
        .filter((line) => line.includes('HTTP/1.1"')),
    log: () => log().split('\n'),
    cpuSeconds: () => cpuSecondsOf(child.pid),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Linux gives these in hundredths of a second: proc(5), fields 14 and 15 of `stat`. */
function cpuSecondsOf(pid: number | undefined): number {
  const [, afterName = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const fields = afterName.split(' ').map(Number);
  return ((fields[11] ?? 0) + (fields[12] ?? 0)) / 100;
}

/** YAML reads JSON. */
function configuration(host: string, folder: string, notify: DockerRegistryOptions['notify']) {
  return {
    version: 0.1,
    log: { accesslog: { disabled: false }, level: 'info' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: host },
    ...(notify
      ? {
          notifications: {
            endpoints: [
              {
                name: 'drayage',
                url: notify.url,
                timeout: '2s',
                threshold: 3,
                backoff: '1s',
                headers: { Authorization: [notify.authorization] },
              },
            ],
          },
        }
      : {}),
  };
}

async function ready(child: ChildProcess, url: string, log: () => string): Promise<void> {
  let spawnError: Error | undefined;
  child.once('error', (error) => {
    spawnError = error;
  });
  for (const until = Date.now() + 10_000; Date.now() < until; await sleep(50)) {
    if (spawnError)
      throw new Error(
        `docker-registry cannot be run (apt-get install docker-registry): ${spawnError.message}`,
      );
    if (child.exitCode !== null) throw new Error(`docker-registry ended with ${child.exitCode}:\n${log()}`);
    const answered = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
  }
  throw new Error(`docker-registry did not answer within 10 s:\n${log()}`);
}
