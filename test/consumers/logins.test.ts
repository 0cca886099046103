import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage } from '../support/drayage.ts';
import { loginFolder } from '../support/login-folder.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';

const run = promisify(execFile);

describe('logins that skopeo login made', () => {
  const credentials = { username: 'pusher', password: 'correct-horse-battery' };
  const image = seededImage({ seed: 'skopeo login', layers: [{ size: 5_000 }] });
  let from: EmbeddedRegistry;
  let to: EmbeddedRegistry;
  beforeAll(async () => {
    [from, to] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution', credentials, tokens: { anonymous: 'none' } }),
    ]);
    await pushImage(from.endpoint, 'app', '1', image);
  });
  afterAll(() => Promise.all([from.stop(), to.stop()]));

  it.each([
    ['its own file', 'run/containers/auth.json', []],
    ['REGISTRY_AUTH_FILE', 'named.json', []],
    ['Docker’s file', '.docker/config.json', ['--authfile']],
  ])('are read from %s', async (_, path, option) => {
    const { env, home } = loginFolder();
    const file = join(home, path);
    if (path === 'named.json') env.REGISTRY_AUTH_FILE = file;
    const user = ['--username', credentials.username, '--password', credentials.password];
    const where = option.flatMap((name) => [name, file]);
    await run('skopeo', ['login', '--tls-verify=false', ...user, ...where, to.host], { env });
    expect(existsSync(file), path).toBe(true);
    const repository = path.replace(/[^a-z]/g, '');
    const line = ['copy', `${from.host}/app:1`, `${to.host}/${repository}:1`, '--plain-http'];
    const copied = await drayage(line, { env });
    expect(copied, copied.stderr).toMatchObject({ code: 0 });
    expect(to.tag(repository, '1')).toBe(image.manifest.digest);
  });
});
