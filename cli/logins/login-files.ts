import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileFailure } from '../../core/config/file-failure.ts';
import type { KeyPaths } from './find-key.ts';
import { LoginError } from './login-error.ts';

/** What `docker login` and `podman login` write. */
export interface LoginFile {
  path: string;
  /** What the path of a key means. */
  keyPaths: KeyPaths;
  /** Logins by registry, as they were written. */
  auths: Record<string, unknown>;
  /** Helpers by registry. */
  credHelpers: Record<string, unknown>;
  /** The helper for all registries that `credHelpers` does not name. */
  credsStore: string | undefined;
}

/** A larger file can't be a login file. */
const maxBytes = 4 * 1024 * 1024;

/**
 * The login files of this user, in the order in which they are tried: Docker's, then those of
 * Podman, Buildah and Skopeo
 * (https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md). Missing files are
 * left out.
 *
 * @throws LoginError for one that can't be read
 */
export function loginFiles(env: NodeJS.ProcessEnv): LoginFile[] {
  const home = env.HOME || homedir();
  const docker = join(env.DOCKER_CONFIG || join(home, '.docker'), 'config.json');
  const runtime = env.XDG_RUNTIME_DIR
    ? join(env.XDG_RUNTIME_DIR, 'containers')
    : join('/run/containers', `${process.getuid?.() ?? 0}`);
  const podman = env.REGISTRY_AUTH_FILE
    ? [env.REGISTRY_AUTH_FILE]
    : [
        join(runtime, 'auth.json'),
        join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers', 'auth.json'),
      ];
  return [readLoginFile(docker, 'host'), ...podman.map((path) => readLoginFile(path, 'below'))].filter(
    (file) => file !== undefined,
  );
}

function readLoginFile(path: string, keyPaths: KeyPaths): LoginFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const { reason, remedy } = fileFailure(error, path);
    throw new LoginError(`the login file ${path} can’t be read: ${reason}`, remedy ?? 'make it readable');
  }
  if (text.length > maxBytes) throw damaged(path, 'it is larger than 4 MiB');
  if (text.trim() === '') return undefined;
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // Without the parser's message, which quotes the text around the error: it may be a password.
    throw damaged(path, 'it is not JSON');
  }
  if (!isObject(content)) throw damaged(path, 'it is not an object');
  const { credsStore } = content;
  if (credsStore !== undefined && typeof credsStore !== 'string')
    throw damaged(path, 'credsStore is not a string');
  return {
    path,
    keyPaths,
    auths: objectAt(path, content, 'auths'),
    credHelpers: objectAt(path, content, 'credHelpers'),
    credsStore: credsStore === '' ? undefined : credsStore,
  };
}

function objectAt(path: string, content: Record<string, unknown>, field: string): Record<string, unknown> {
  const value = content[field] ?? {};
  if (!isObject(value)) throw damaged(path, `${field} is not an object`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function damaged(path: string, why: string): LoginError {
  return new LoginError(
    `the login file ${path} is damaged: ${why}`,
    'repair it, or move it away and log in again',
  );
}
