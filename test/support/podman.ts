import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Podman with storage of its own, for containers without network. */
export interface Podman extends Disposable {
  /** Runs podman. @throws Error if it is not installed or fails, with what it wrote */
  (...args: string[]): Promise<string>;
}

/** What a container may use; runc refuses podman's defaults where this process may use less. */
export const containerLimits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1000:1000'];

/** The options before a subcommand with which podman keeps everything in a folder. */
export function podmanSettings(folder: string): string[] {
  return [
    ...['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'overlay'],
    ...['--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--runtime', 'runc'],
  ];
}

/** Keeps everything in a temporary folder; needs root, and runc. */
export function openPodman(): Podman {
  const folder = mkdtempSync(join(tmpdir(), 'podman-'));
  const settings = podmanSettings(folder);
  const podman = async (...args: string[]) => {
    try {
      return (await run('podman', [...settings, ...args], { maxBuffer: 16 * 1024 * 1024 })).stdout;
    } catch (error) {
      const { code, stderr } = error as { code?: string; stderr?: string };
      if (code === 'ENOENT') throw new Error('podman is not installed: apt-get install podman runc');
      throw new Error(`podman ${args.join(' ')} failed: ${stderr}`);
    }
  };
  return Object.assign(podman, {
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  });
}
