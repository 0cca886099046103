import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage } from '../support/drayage.ts';
import { encoded, helperAnswer, loginFolder } from '../support/login-folder.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';

describe('drayage copy with logins', () => {
  const password = 'correct-horse-battery';
  const credentials = { username: 'pusher', password };
  const image = seededImage({ seed: 'logins', layers: [{ size: 5_000 }] });
  let open: EmbeddedRegistry;
  let basic: EmbeddedRegistry;
  let tokens: EmbeddedRegistry;
  beforeAll(async () => {
    [open, basic, tokens] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution', credentials }),
      startRegistry({ flavour: 'distribution', credentials, tokens: { anonymous: 'none' } }),
    ]);
    await pushImage(open.endpoint, 'app', '1', image);
  });
  afterAll(() => Promise.all([open.stop(), basic.stop(), tokens.stop()]));

  const copy = (src: string, dst: string, env: NodeJS.ProcessEnv) =>
    drayage(['copy', src, dst, '--plain-http', '--json'], { env });

  it('reads docker’s file for a registry that wants Basic, and for one with a token service', async () => {
    const { env, write } = loginFolder();
    const auth = encoded('pusher', password);
    write('.docker/config.json', { auths: { [`http://${basic.host}`]: { auth }, [tokens.host]: { auth } } });
    const first = await copy(`${open.host}/app:1`, `${basic.host}/app:1`, env);
    expect(first, first.stderr).toMatchObject({ code: 0 });
    const second = await copy(`${basic.host}/app:1`, `${tokens.host}/app:1`, env);
    expect(second, second.stderr).toMatchObject({ code: 0 });
    expect(tokens.tag('app', '1')).toBe(image.manifest.digest);
  });

  it.each([
    ['Basic', () => basic],
    ['tokens', () => tokens],
  ])('asks a helper when the registry wants a login with %s', async (name, registry) => {
    const { env, write, helper, asked } = loginFolder();
    const { host } = registry();
    write('.docker/config.json', { credHelpers: { [host]: 'real', [open.host]: 'unwanted' } });
    helper('real', helperAnswer('pusher', password));
    const result = await copy(`${open.host}/app:1`, `${host}/by-helper:1`, env);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(registry().tag('by-helper', '1'), name).toBe(image.manifest.digest);
    expect(asked()).toEqual([`real ${host}`]);
  });

  it('asks the helper once more when the registry rejects the login', async () => {
    const { env, home, write, helper, asked } = loginFolder();
    write('.docker/config.json', { credsStore: 'rotating' });
    const old = helperAnswer('pusher', 'an-old-password');
    helper(
      'rotating',
      `if mkdir ${home}/asked-before 2>/dev/null; then ${old}; else ${helperAnswer('pusher', password)}; fi`,
    );
    const result = await copy(`${open.host}/app:1`, `${tokens.host}/rotated:1`, env);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(asked()).toHaveLength(2);
  });

  it('goes without if nobody has a login, and says how to log in', async () => {
    const { env, write, helper } = loginFolder();
    write('.docker/config.json', { credsStore: 'empty' });
    helper('empty', 'echo credentials not found in native keychain; exit 1');
    const result = await copy(`${open.host}/app:1`, `${basic.host}/refused:1`, env);
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toMatch(/^drayage: destination .*: .*UNAUTHORIZED/);
    expect(result.stderr).toContain(`  log in: docker login ${basic.host}`);
  });

  it('reports a helper that fails and a login that is wrong, and shows no secret', async () => {
    const { env, write, helper } = loginFolder();
    write('.docker/config.json', {
      credHelpers: { [basic.host]: 'broken' },
      auths: { [tokens.host]: { auth: encoded('pusher', 'wrong-secret-word') } },
    });
    helper('broken', 'echo the vault is sealed; exit 1');
    const broken = await copy(`${open.host}/app:1`, `${basic.host}/x:1`, env);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(
      /^drayage: destination .*“the vault is sealed” \(CREDENTIALS_UNAVAILABLE\)$/m,
    );
    expect(broken.stderr).toContain(`  run it by hand: echo ${basic.host} | docker-credential-broken get`);
    const wrong = await copy(`${open.host}/app:1`, `${tokens.host}/x:1`, env);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('UNAUTHORIZED') });
    expect(wrong.stderr).not.toMatch(/wrong-secret-word|cHVzaGVy/);
  });

  it('sends a login to no other host, unless it is told to', async () => {
    const { env, write } = loginFolder();
    const service = await startRegistry({
      flavour: 'distribution',
      credentials,
      tokens: { anonymous: 'none' },
    });
    const realm = `Bearer realm="http://${service.host}/token",service="registry.local"`;
    const remove = open.faults.add({
      match: { path: '/v2/guarded/' },
      action: { kind: 'status', status: 401, headers: { 'www-authenticate': realm } },
    });
    write('.docker/config.json', { auths: { [open.host]: { auth: encoded('pusher', password) } } });
    const line = ['copy', `${open.host}/guarded:1`, `${open.host}/x:1`, '--plain-http'];
    const refused = await drayage(line, { env });
    expect(refused.stderr).toContain(`  if that host may see the login, add --auth-host ${service.host}\n`);
    expect(service.requests).toEqual([]);
    await drayage([...line, '--auth-host', service.host], { env });
    expect(service.requests[0]).toMatchObject({ method: 'GET', path: expect.stringContaining('/token') });
    remove();
    await service.stop();
  });
});
