import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interruptible } from './interruption.ts';
import { drayage } from './published.ts';

/** A program that copies an image from registry to registry. */
export interface Peer {
  name: string;
  /** The command that copies one reference (HOST/repository:tag, plain HTTP) to another. */
  command(from: string, to: string): string[];
}

const all: Peer[] = [
  {
    name: 'drayage',
    command: (from, to) => [process.execPath, drayage, 'copy', from, to, '--plain-http', '--json'],
  },
  {
    name: 'skopeo',
    command: (from, to) => [
      ...['skopeo', 'copy', '--all', '--src-tls-verify=false', '--dest-tls-verify=false'],
      ...[`docker://${from}`, `docker://${to}`],
    ],
  },
  { name: 'crane', command: (from, to) => ['crane', 'copy', '--insecure', '-j', '16', from, to] },
  {
    name: 'regctl',
    command: (from, to) => [
      ...['regctl', 'image', 'copy'],
      ...[from, to].flatMap((image) => ['--host', `reg=${hostOf(image)},tls=disabled`]),
      ...[from, to],
    ],
  },
  {
    name: 'oras',
    command: (from, to) => [
      ...['oras', 'cp', '--from-plain-http', '--to-plain-http', '--concurrency', '16', '--no-tty'],
      ...[from, to],
    ],
  },
];

const versions: Record<string, string[]> = {
  skopeo: ['--version'],
  crane: ['version'],
  regctl: ['version', '--format', '{{.VCSTag}}'],
  oras: ['version'],
  regsync: ['version', '--format', '{{.VCSTag}}'],
};

/**
 * The peers on the PATH, ours first, and a sentence with their versions and the missing ones.
 *
 * @throws for an unknown name
 */
export function installedPeers(wanted?: string[]): { peers: Peer[]; note: string } {
  const unknown = wanted?.find((name) => !all.some((peer) => peer.name === name));
  if (unknown !== undefined)
    throw new Error(`there is no peer ${unknown}: ${all.map(({ name }) => name).join(', ')}`);
  const chosen = all.filter(({ name }) => name === 'drayage' || !wanted || wanted.includes(name));
  const peers = chosen.filter(({ name }) => name === 'drayage' || isInstalled(name));
  const missing = all.filter((peer) => !peers.includes(peer)).map(({ name }) => name);
  const told = peers.slice(1).map(({ name }) => `${name} ${versionOf(name)}`);
  return {
    peers,
    note: `Compared with ${told.join(', ') || 'nobody'}.${
      missing.length > 0 ? ` Left out: ${missing.join(', ')}.` : ''
    }`,
  };
}

/** The environment in which peers run. */
export interface PeerEnvironment extends AsyncDisposable {
  /** Empty at first, and removed at the end. */
  folder: string;
  variables: Record<string, string>;
}

/** Excludes the settings of the user who runs the bench (credentials, registries). */
export function peerEnvironment(): Promise<PeerEnvironment> {
  return interruptible(() => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-peers-'));
    return {
      folder,
      variables: { DOCKER_CONFIG: folder, REGCTL_CONFIG: join(folder, 'regctl.json') },
      async [Symbol.asyncDispose]() {
        rmSync(folder, { recursive: true, force: true });
      },
    };
  });
}

/**
 * Each round starts with another peer, so that the leftovers of the previous one (caches, memory)
 * affect every peer equally.
 */
export function turned<T>(peers: T[], round: number): T[] {
  const start = round % peers.length;
  return [...peers.slice(start), ...peers.slice(0, start)];
}

/** The registry part of a reference. */
export function hostOf(image: string): string {
  return image.split('/')[0] ?? '';
}

/** Whether a program is on the PATH. */
export function isInstalled(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

/** The version that a program reports. */
export function versionOf(program: string): string {
  const { stdout } = spawnSync(program, versions[program] ?? [], { encoding: 'utf8' });
  return /\d+\.\d+\.\d+/.exec(stdout ?? '')?.[0] ?? '';
}
