import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The folder of `--data`: what survives a restart. */
export interface DataDirectory {
  registry: string;
  table: string;
  secrets: LocalSecretValues;
  release(): void;
}

/** The roots that all secrets of the deployment derive from, and the password of its registry. */
export interface LocalSecretValues {
  webhookRoot: string;
  apiRoot: string;
  registryPassword: string;
}

/** A predecessor that was just killed may need this long to be gone. */
const lockWaitMs = 5_000;

/**
 * Opens the folder, creating what is not there, as its only user.
 *
 * @throws Error when another `drayage local` uses it.
 */
export async function openDataDirectory(directory: string): Promise<DataDirectory> {
  mkdirSync(directory, { recursive: true });
  const lock = join(directory, 'lock');
  await takeLock(lock, directory);
  const file = join(directory, 'secrets.json');
  return {
    registry: join(directory, 'registry'),
    table: join(directory, 'table'),
    secrets: readSecrets(file),
    release: () => rmSync(lock, { force: true }),
  };
}

/** New random roots: for a stack that keeps nothing, or at a folder's first use. */
export function newSecrets(): LocalSecretValues {
  const random = () => randomBytes(32).toString('base64url');
  return { webhookRoot: random(), apiRoot: random(), registryPassword: random() };
}

function readSecrets(file: string): LocalSecretValues {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new Error(`${file} can't be read: ${error}`);
  }
  const secrets = newSecrets();
  // Whole or not at all: a half-written file would lock us out of our own data.
  writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  chmodSync(`${file}.new`, 0o600);
  renameSync(`${file}.new`, file);
  return secrets;
}

async function takeLock(lock: string, directory: string): Promise<void> {
  const until = Date.now() + lockWaitMs;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(readFileSync(lock, 'utf8') || '0');
    if (!isAlive(holder)) {
      rmSync(lock, { force: true });
      continue;
    }
    if (Date.now() > until) {
      throw new Error(
        `${directory} is in use by process ${holder}: stop it, or give this one another --data`,
      );
    }
    await sleep(100);
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid || pid <= 0) return false; // a container's process often has the same id after a restart
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
