import type { CredentialSource, Credentials } from '../../core/registry/auth/credentials.ts';
import { findKey, helperKeys } from './find-key.ts';
import { LoginError } from './login-error.ts';
import { type LoginFile, loginFiles } from './login-files.ts';
import { readEntry } from './read-entry.ts';
import { runHelper } from './run-helper.ts';

/** What a login is for. */
export interface LoginSubject {
  /** As it appears in references: `docker.io`. */
  registry: string;
  repository: string;
}

/** Whose logins, and until when. */
export interface LoginOptions {
  /** HOME, DOCKER_CONFIG and the like, and the PATH that helpers are on. */
  env: NodeJS.ProcessEnv;
  /** Ends a helper that is running. */
  signal?: AbortSignal;
}

/**
 * The logins that `docker login`, `podman login` and credential helpers keep, as credentials of one
 * registry. Files are read and helpers are run when the registry asks for a login, and again when
 * it has rejected one: nothing is cached here.
 */
export function loginSource(subject: LoginSubject, options: LoginOptions): CredentialSource {
  return async () => {
    for (const file of loginFiles(options.env)) {
      const login = await loginFrom(file, subject, options);
      if (login !== undefined) return login;
    }
    return undefined;
  };
}

/** A helper for this registry decides alone; the one for all others, only if it has a login. */
async function loginFrom(
  file: LoginFile,
  subject: LoginSubject,
  options: LoginOptions,
): Promise<Credentials | undefined> {
  const helperKey = findKey(Object.keys(file.credHelpers), subject, file.keyPaths);
  if (helperKey !== undefined) {
    const where = `credHelpers of ${file.path}`;
    const name = file.credHelpers[helperKey];
    if (typeof name !== 'string') {
      throw new LoginError(
        `${where} has no string for ${helperKey}`,
        'write what follows docker-credential- in the name of the helper’s program',
      );
    }
    if (name !== '') return await askHelper({ name, where }, subject, options);
  }
  if (file.credsStore !== undefined) {
    const login = await askHelper(
      { name: file.credsStore, where: `credsStore of ${file.path}` },
      subject,
      options,
    );
    if (login !== undefined) return login;
  }
  const key = findKey(Object.keys(file.auths), subject, file.keyPaths);
  return key === undefined ? undefined : readEntry(file.auths[key], `the login of ${key} in ${file.path}`);
}

/** A helper, and the field that names it. */
interface NamedHelper {
  name: string;
  where: string;
}

async function askHelper(
  { name, where }: NamedHelper,
  { registry }: LoginSubject,
  options: LoginOptions,
): Promise<Credentials | undefined> {
  for (const server of helperKeys(registry)) {
    const login = await runHelper(name, server, { ...options, where });
    if (login !== undefined) return login;
  }
  return undefined;
}
