import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findProgram } from '../../support/find-program.ts';
import { containerLimits, podmanSettings } from '../../support/podman.ts';

const exec = promisify(execFile);

/** Where a program's requests to anything but this machine go. */
export interface Outside {
  /** A proxy that answers nothing but counts. */
  proxy: string;
}

/** Programs that pull and run images on a node. */
export interface NodeProgram {
  /** Pulls an image. @throws Error with what the program wrote */
  pull(reference: string, outside: Outside): Promise<void>;
  /** Runs an image's entrypoint, without pulling. @returns what it printed */
  run(reference: string): Promise<string>;
}

const withProxy = ({ proxy }: Outside): NodeJS.ProcessEnv => ({
  ...process.env,
  HTTP_PROXY: proxy,
  HTTPS_PROXY: proxy,
  NO_PROXY: '127.0.0.1',
});

/** Runs a program. @throws Error with what it wrote */
export async function runProgram(name: string, args: string[], env = process.env): Promise<string> {
  try {
    return (await exec(name, args, { env, maxBuffer: 16 * 1024 * 1024, timeout: 120_000 })).stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    if (code === 'ENOENT') throw new Error(`${name} is not installed: apt-get install ${name}`);
    throw new Error(`${name} ${args.join(' ')} failed: ${stderr}`);
  }
}

/** A container of a Pod, as far as {@link Podman} runs it. */
export interface PodContainer {
  name: string;
  image: string;
  command: string[];
  workingDir: string;
}

export interface Podman extends NodeProgram {
  /**
   * Runs a container with the rights that the standard "restricted" leaves it, and a folder at its
   * working directory, until it ends.
   */
  runRestricted(container: PodContainer, folder: string, access: 'rw' | 'ro'): Promise<string>;
}

/** Podman with its own storage below a folder, and one registries.conf. */
export function podmanIn(folder: string, registriesConf: string): Podman {
  // An image without a policy is refused: containers-policy.json(5).
  const policy = join(folder, 'policy.json');
  writeFileSync(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  const global = podmanSettings(folder);
  const env = { ...process.env, CONTAINERS_REGISTRIES_CONF: registriesConf };
  const run = ['run', '--rm', '--pull', 'never', '--network', 'none', ...containerLimits];
  return {
    async pull(reference, outside) {
      const args = [...global, 'pull', '--quiet', '--signature-policy', policy, reference];
      await runProgram('podman', args, { ...env, ...withProxy(outside), ...env });
    },
    run(reference) {
      return runProgram('podman', [...global, ...run, reference], env);
    },
    runRestricted({ image, command, workingDir }, volume, access) {
      const rights = ['--user', '65532:65532', '--read-only', '--cap-drop', 'all'];
      const place = ['--volume', `${volume}:${workingDir}:${access}`, '--workdir', workingDir];
      const args = ['--security-opt', 'no-new-privileges', '--entrypoint', JSON.stringify(command)];
      return runProgram('podman', [...global, ...run, ...rights, ...place, ...args, image], env);
    },
  };
}

/** A containerd of its own, and `ctr` with a folder of `hosts.toml`. */
export interface RunningContainerd extends NodeProgram, AsyncDisposable {}

export async function startContainerd(
  folder: string,
  hostsFolder: string,
  outside: Outside,
): Promise<RunningContainerd> {
  const socket = join(folder, 'containerd.sock');
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'config.toml');
  const quoted = (path: string) => JSON.stringify(join(folder, path));
  writeFileSync(
    config,
    `version = 2
root = ${quoted('root')}
state = ${quoted('state')}
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = ${JSON.stringify(socket)}
`,
  );
  const program = findProgram({
    title: 'containerd',
    name: 'containerd',
    variable: 'DRAYAGE_CONTAINERD',
    remedy: 'apt-get install containerd runc',
  });
  const daemon = spawn(program, ['-c', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // From 2.0 on, the daemon pulls; before, ctr itself.
    env: withProxy(outside),
  });
  const lines: Buffer[] = [];
  daemon.stderr.on('data', (chunk: Buffer) => lines.push(chunk));
  const closed = once(daemon, 'close');
  for (const until = Date.now() + 30_000; !existsSync(socket); await sleep(50)) {
    if (daemon.exitCode !== null || Date.now() > until)
      throw new Error(`containerd does not start: ${Buffer.concat(lines).toString('utf8')}`);
  }
  const ctr = (args: string[], env?: NodeJS.ProcessEnv) => runProgram('ctr', ['-a', socket, ...args], env);
  let containers = 0;
  return {
    async pull(reference, { proxy }) {
      const args = ['images', 'pull', '--hosts-dir', hostsFolder, reference];
      await ctr(args, withProxy({ proxy }));
    },
    run(reference) {
      containers += 1;
      return ctr(['run', '--rm', reference, `test-${containers}`]);
    },
    async [Symbol.asyncDispose]() {
      daemon.kill('SIGTERM');
      await closed;
    },
  };
}
