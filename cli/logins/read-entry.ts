import type { Credentials, PasswordLogin } from '../../core/registry/auth/credentials.ts';
import { LoginError } from './login-error.ts';

/**
 * A login from an entry of `auths`: `auth` (base64 of `user:password`), or `username` and
 * `password`. An empty entry, which Docker writes when a helper keeps the login, has none.
 *
 * @param where the file and the key, for messages
 */
export function readEntry(entry: unknown, where: string): Credentials | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw unusable(where, 'is not an object');
  const fields = entry as Record<string, unknown>;
  const text = (name: string): string => {
    const value = fields[name] ?? '';
    if (typeof value !== 'string') throw unusable(where, `has a field ${name} that is not a string`);
    return value;
  };
  const login = text('auth') === '' ? plain(text('username'), text('password')) : decode(text('auth'), where);
  if (text('identitytoken') !== '') return { identityToken: text('identitytoken') };
  if (text('registrytoken') !== '') throw unusable(where, 'is a token of one registry session');
  return login?.password === '' ? undefined : login;
}

function plain(username: string, password: string): PasswordLogin | undefined {
  return username === '' ? undefined : { username, password };
}

function decode(auth: string, where: string): PasswordLogin {
  // Buffer skips characters that are not base64; we must not.
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(auth.trim()))
    throw unusable(where, 'has a field auth that is not base64');
  // Docker itself once wrote zeros behind the password: docker/cli, configfile `decodeAuth`.
  const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = text.indexOf(':');
  if (colon <= 0) throw unusable(where, 'has a field auth that is not user:password');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function unusable(where: string, why: string): LoginError {
  return new LoginError(`${where} ${why}`, 'log in again, for example with docker login');
}
