import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { takeLock } from './data-lock.ts';
import { dataFolderError, StartError } from './start-error.ts';

/** The folder of `--data`: what survives a restart. */
export interface DataDirectory {
  registry: string;
  table: string;
  bucket: string;
  secrets: LocalSecretValues;
  release(): void;
}

/** The roots of all secrets of the deployment, and the password of its registry. */
export interface LocalSecretValues {
  webhookRoot: string;
  apiRoot: string;
  registryPassword: string;
}

/**
 * Opens the folder for exclusive use, and creates what is missing.
 *
 * @throws Error if another `drayage local` uses it, it can't be written, or its secrets are
 *   damaged.
 */
export async function openDataDirectory(directory: string): Promise<DataDirectory> {
  const release = await take(directory);
  try {
    return {
      registry: join(directory, 'registry'),
      table: join(directory, 'table'),
      bucket: join(directory, 'bucket'),
      secrets: readSecrets(join(directory, 'secrets.json')),
      release,
    };
  } catch (error) {
    release();
    throw dataFolderError(error, directory);
  }
}

/** New random roots: for a stack that keeps nothing, or for the first use of a folder. */
export function newSecrets(): LocalSecretValues {
  const random = () => randomBytes(32).toString('base64url');
  return { webhookRoot: random(), apiRoot: random(), registryPassword: random() };
}

async function take(directory: string): Promise<() => void> {
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return await takeLock(directory);
  } catch (error) {
    throw dataFolderError(error, directory);
  }
}

function readSecrets(file: string): LocalSecretValues {
  const text = readIfThere(file);
  if (text !== undefined) return parseSecrets(text, file);
  const secrets = newSecrets();
  // Whole or not at all: a half-written file would lock us out of our own data.
  writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  chmodSync(`${file}.new`, 0o600);
  renameSync(`${file}.new`, file);
  return secrets;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Quotes neither the file nor the message of a JSON error, which quotes the text around the error.
 */
function parseSecrets(text: string, file: string): LocalSecretValues {
  let value: Partial<Record<keyof LocalSecretValues, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(file, 'it is not JSON');
  }
  const take = (field: keyof LocalSecretValues): string => {
    const found = value?.[field];
    if (typeof found === 'string' && found !== '') return found;
    throw damaged(file, `${field} must be a non-empty string`);
  };
  return {
    webhookRoot: take('webhookRoot'),
    apiRoot: take('apiRoot'),
    registryPassword: take('registryPassword'),
  };
}

function damaged(file: string, why: string): Error {
  return new StartError(
    `${file} is damaged: ${why}`,
    'restore the file; or remove it, and new secrets are made: webhooks then need their new URL or secret at the upstream',
  );
}
