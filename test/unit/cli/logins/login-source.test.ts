import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loginSource } from '../../../../cli/logins/login-source.ts';
import type { PasswordLogin } from '../../../../core/registry/auth/credentials.ts';
import { encoded, helperAnswer, type LoginFolder, loginFolder } from '../../../support/login-folder.ts';

const notFound = "echo 'credentials not found in native keychain'; exit 1";

/** The login of the user who lives there. */
function login({ env }: LoginFolder, registry = 'ghcr.io', repository = 'acme/shop') {
  return loginSource({ registry, repository }, { env })({ fresh: false });
}

describe('login files', () => {
  it('read Docker’s file: auth, or username and password', async () => {
    const folder = loginFolder();
    folder.write('.docker/config.json', {
      auths: {
        'ghcr.io': { auth: encoded('octocat', 'pass:with:colons') },
        'https://index.docker.io/v1/': { username: 'moby', password: 'dück' },
        'quay.io': {},
      },
    });
    expect(await login(folder)).toEqual({ username: 'octocat', password: 'pass:with:colons' });
    expect(await login(folder, 'docker.io')).toEqual({ username: 'moby', password: 'dück' });
    expect(await login(folder, 'quay.io')).toBeUndefined();
    expect(await login(folder, 'other.example')).toBeUndefined();
  });

  it('are asked in turn: DOCKER_CONFIG instead of ~/.docker, then REGISTRY_AUTH_FILE or Podman’s own file', async () => {
    const folder = loginFolder();
    const file = (name: string) => ({ auths: { 'ghcr.io': { auth: encoded(name, 'secret') } } });
    const user = async () => ((await login(folder)) as PasswordLogin | undefined)?.username;
    expect(await user()).toBeUndefined();
    folder.write('.config/containers/auth.json', file('config'));
    expect(await user()).toBe('config');
    folder.write('run/containers/auth.json', file('runtime'));
    expect(await user()).toBe('runtime');
    folder.env.REGISTRY_AUTH_FILE = folder.write('named.json', file('named'));
    expect(await user()).toBe('named');
    folder.write('.docker/config.json', file('docker'));
    expect(await user()).toBe('docker');
    folder.env.DOCKER_CONFIG = join(folder.home, 'elsewhere');
    expect(await user()).toBe('named');
    folder.write('elsewhere/config.json', file('elsewhere'));
    expect(await user()).toBe('elsewhere');
  });

  it('use a key with a path for that path alone in Podman’s file', async () => {
    const folder = loginFolder();
    folder.write('.config/containers/auth.json', {
      auths: {
        'ghcr.io/acme': { auth: encoded('acme', 's') },
        'ghcr.io/other': { auth: encoded('other', 's') },
      },
    });
    expect(await login(folder)).toMatchObject({ username: 'acme' });
    expect(await login(folder, 'ghcr.io', 'third/app')).toBeUndefined();
  });

  it.each([
    ['{"auths": {"ghcr.io": {"auth": "hunter22" ', 'config.json is damaged: it is not JSON'],
    ['[]', 'config.json is damaged: it is not an object'],
    [{ auths: 'hunter22' }, 'config.json is damaged: auths is not an object'],
    [{ auths: { 'ghcr.io': 'hunter22' } }, /login of ghcr\.io in .*config\.json is not an object/],
    [{ auths: { 'ghcr.io': { auth: 'hunter22!' } } }, 'a field auth that is not base64'],
    [{ auths: { 'ghcr.io': { auth: 'aHVudGVyMjI=' } } }, 'a field auth that is not user:password'],
    [{ auths: { 'ghcr.io': { auth: 22 } } }, 'a field auth that is not a string'],
    [{ auths: { 'ghcr.io': { registrytoken: 'hunter22' } } }, 'is a token of one registry session'],
    [{ credHelpers: { 'ghcr.io': 7 } }, '^credHelpers of \\S+ has no string for ghcr.io'],
  ])('report what is wrong with %j, and no secret', async (content, message) => {
    const folder = loginFolder();
    folder.write('.docker/config.json', content);
    const error = await login(folder).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'CREDENTIALS_UNAVAILABLE',
      temporary: false,
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(/./),
    });
    expect((error as Error).message).not.toContain('hunter22');
  });

  it('report a file that exists but cannot be read', async () => {
    const folder = loginFolder();
    mkdirSync(join(folder.home, '.docker/config.json'), { recursive: true });
    await expect(login(folder)).rejects.toThrow(/config\.json can’t be read: it is a folder \(EISDIR\)/);
  });

  it('distinguish an identity token from a password, whatever user is beside it', async () => {
    const folder = loginFolder();
    folder.write('.docker/config.json', {
      auths: {
        'acme.azurecr.io': { auth: encoded('00000000-0000-0000-0000-000000000000', ''), identitytoken: 'ey' },
        'ghcr.io': { identitytoken: 'it' },
      },
    });
    expect(await login(folder, 'acme.azurecr.io')).toEqual({ identityToken: 'ey' });
    expect(await login(folder, 'ghcr.io')).toEqual({ identityToken: 'it' });
  });
});

describe('credential helpers', () => {
  it.each(['credHelpers', 'credsStore'])(
    'mark an identity token with the user <token>: %s',
    async (field) => {
      const folder = loginFolder();
      folder.write('.docker/config.json', {
        [field]: field === 'credsStore' ? 'acr' : { 'acme.azurecr.io': 'acr' },
      });
      folder.helper('acr', helperAnswer('<token>', 'refresh'));
      expect(await login(folder, 'acme.azurecr.io')).toEqual({ identityToken: 'refresh' });
    },
  );

  it('are asked by the registry’s name, each time', async () => {
    const folder = loginFolder();
    folder.write('.docker/config.json', { credHelpers: { 'ghcr.io': 'gh' }, credsStore: 'never' });
    folder.helper('gh', helperAnswer('octocat', 'token'));
    const source = loginSource({ registry: 'ghcr.io', repository: 'acme/shop' }, { env: folder.env });
    expect(folder.asked()).toEqual([]);
    expect(await source({ fresh: false })).toEqual({ username: 'octocat', password: 'token' });
    folder.helper('gh', helperAnswer('octocat', 'renewed'));
    expect(await source({ fresh: true })).toMatchObject({ password: 'renewed' });
    expect(folder.asked()).toEqual(['gh ghcr.io', 'gh ghcr.io']);
  });

  it('for all registries use Docker Hub’s old address, and the file if they have no login', async () => {
    const folder = loginFolder();
    folder.write('.docker/config.json', {
      credsStore: 'desktop',
      auths: { 'ghcr.io': { auth: encoded('file', 's') }, 'quay.io': {} },
    });
    folder.helper(
      'desktop',
      `case $server in https://index*) ${helperAnswer('moby', 's')};; *) ${notFound};; esac`,
    );
    expect(await login(folder, 'docker.io')).toMatchObject({ username: 'moby' });
    expect(await login(folder, 'ghcr.io')).toMatchObject({ username: 'file' });
    expect(await login(folder, 'quay.io')).toBeUndefined();
    expect(folder.asked().slice(0, 2)).toEqual(['desktop https://index.docker.io/v1/', 'desktop ghcr.io']);
  });

  it('without a login decide for their own registry: anonymous', async () => {
    const folder = loginFolder();
    folder.write('.docker/config.json', {
      credHelpers: { 'ghcr.io': 'gh' },
      auths: { 'ghcr.io': { auth: encoded('old', 's') } },
    });
    folder.helper('gh', `${notFound}`);
    expect(await login(folder)).toBeUndefined();
  });
});
