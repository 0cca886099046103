import type { Credentials } from '../../core/registry/credentials.ts';
import { LoginError } from './login-error.ts';

/**
 * The user name that goes with Azure's identity tokens, which are used as passwords:
 * https://learn.microsoft.com/azure/container-registry/container-registry-authentication#az-acr-login-with---expose-token
 */
const azureTokenUser = '00000000-0000-0000-0000-000000000000';

/**
 * A login as it stands under `auths`: `auth` (base64 of `user:password`), or `username` and `password`. An empty one, which
 * Docker writes where a helper keeps the login, is none.
 *
 * @param where names file and key, for messages
 */
export function readEntry(entry: unknown, where: string): Credentials | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw unusable(where, 'is no object');
  const fields = entry as Record<string, unknown>;
  const text = (name: string): string => {
    const value = fields[name] ?? '';
    if (typeof value !== 'string') throw unusable(where, `has a field ${name} that is no text`);
    return value;
  };
  const login = text('auth') === '' ? plain(text('username'), text('password')) : decode(text('auth'), where);
  if (text('identitytoken') !== '') return withIdentityToken(login?.username, text('identitytoken'), where);
  if (text('registrytoken') !== '') throw unusable(where, 'is a token of one registry session');
  return login?.password === '' ? undefined : login;
}

/**
 * What an identity token is good for here: it would have to be exchanged by an OAuth2 refresh grant, POSTed to the token
 * service, and the registry client asks token services by GET. Only Azure takes it as a password, too.
 */
export function withIdentityToken(username: string | undefined, token: string, where: string): Credentials {
  if (username === azureTokenUser) return { username, password: token };
  throw new LoginError(
    `${where} is an identity token, and drayage takes a user name and password only`,
    'log in with an access token as the password: docker login --username USER REGISTRY',
  );
}

function plain(username: string, password: string): Credentials | undefined {
  return username === '' ? undefined : { username, password };
}

function decode(auth: string, where: string): Credentials {
  // Buffer skips what is no base64; this must not.
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(auth.trim()))
    throw unusable(where, 'has a field auth that is no base64');
  // Docker itself once wrote zeros behind the password: docker/cli, configfile `decodeAuth`.
  const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = text.indexOf(':');
  if (colon <= 0) throw unusable(where, 'has a field auth that is no user:password');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function unusable(where: string, why: string): LoginError {
  return new LoginError(`${where} ${why}`, 'log in again, for example with docker login');
}
