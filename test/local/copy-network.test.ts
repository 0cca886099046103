import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage } from '../support/drayage.ts';
import { loginFolder } from '../support/login-folder.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';
import { startTestProxy } from '../support/test-proxy.ts';
import { startTlsFront } from '../support/tls-front.ts';

describe('drayage copy through other networks', () => {
  const layers = Array.from({ length: 20 }, (_, n) => ({ size: 300_000 + n }));
  const image = seededImage({ seed: 'networks', layers });
  let upstream: EmbeddedRegistry;
  let mirror: EmbeddedRegistry;
  beforeAll(async () => {
    [upstream, mirror] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution' }),
    ]);
    await pushImage(upstream.endpoint, 'app', '1', image);
  });
  afterAll(() => Promise.all([upstream.stop(), mirror.stop()]));

  const copy = (src: string, name: string, env: NodeJS.ProcessEnv, ...flags: string[]) =>
    drayage(['copy', src, `${mirror.host}/${name}:1`, '--dst-plain-http', ...flags], {
      env: { ...loginFolder().env, ...env },
    });

  it.each(['HTTP_PROXY', 'http_proxy'])(
    'goes through the proxy of %s, but reaches this machine without it',
    async (name) => {
      const proxy = await startTestProxy({ 'registry.test:80': upstream.host });
      const result = await copy(
        'registry.test/app:1',
        `by-${name.toLowerCase()}`,
        { [name]: proxy.url },
        '--src-plain-http',
      );
      expect(result, result.stderr).toMatchObject({ code: 0 });
      expect(mirror.tag(`by-${name.toLowerCase()}`, '1')).toBe(image.manifest.digest);
      expect(new Set(proxy.asked.map((line) => new URL(line.split(' ')[1] ?? '').host))).toEqual(
        new Set(['registry.test']),
      );
    },
  );

  it('tunnels https through the proxy of HTTPS_PROXY, and trusts the authority of --ca-file or SSL_CERT_FILE', async () => {
    const front = await startTlsFront(upstream.endpoint, ['registry.test']);
    const proxy = await startTestProxy({ 'registry.test:443': front.host });
    const { home } = loginFolder();
    const file = join(home, 'ca.pem');
    writeFileSync(file, front.certificate);
    const env = { HTTPS_PROXY: proxy.url };
    const flag = await copy('registry.test/app:1', 'tunnelled', env, '--ca-file', file);
    expect(flag, flag.stderr).toMatchObject({ code: 0 });
    const variable = await copy('registry.test/app:1', 'tunnelled', { ...env, SSL_CERT_FILE: file });
    expect(variable, variable.stderr).toMatchObject({ code: 0 });
    expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT registry.test:443']));
    const without = await copy('registry.test/app:1', 'untrusted', env);
    expect(without).toMatchObject({ code: 1, stderr: expect.stringMatching(/\(TLS\)[\s\S]*--ca-file FILE/) });
  });

  it('trusts the authority without a proxy, too', async () => {
    const front = await startTlsFront(upstream.endpoint);
    const file = join(loginFolder().home, 'ca.pem');
    writeFileSync(file, front.certificate);
    const result = await copy(`${front.host}/app:1`, 'direct', {}, '--ca-file', file);
    expect(result, result.stderr).toMatchObject({ code: 0 });
  });

  it('bypasses the proxy for NO_PROXY, including everything below a name', async () => {
    const proxy = await startTestProxy({});
    const env = { HTTP_PROXY: proxy.url, NO_PROXY: 'elsewhere.test, .invalid' };
    const result = await copy('a.registry.invalid/app:1', 'none', env, '--src-plain-http');
    expect(result.stderr).toContain('ENOTFOUND');
    expect(proxy.asked).toEqual([]);
  });

  it('gives the proxy its login, and never shows it', async () => {
    const wanted = `Basic ${Buffer.from('user:hunter22').toString('base64')}`;
    const proxy = await startTestProxy({ 'registry.test:80': upstream.host }, wanted);
    const url = (password: string) => `http://user:${password}@${proxy.host}`;
    const right = await copy(
      'registry.test/app:1',
      'login',
      { HTTP_PROXY: url('hunter22') },
      '--src-plain-http',
    );
    expect(right, right.stderr).toMatchObject({ code: 0 });
    const wrong = await copy(
      'registry.test/app:1',
      'wrong',
      { HTTP_PROXY: url('hunter23') },
      '--src-plain-http',
    );
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Proxy Authentication Required'),
    });
    expect(wrong.stderr).not.toContain('hunter23');
  });

  it.each([
    ['HTTPS_PROXY', { HTTPS_PROXY: 'socks5://user:hunter22@127.0.0.1:1' }, 'HTTPS_PROXY is not a proxy URL'],
    ['the file', { SSL_CERT_FILE: '/nowhere.pem' }, 'the certificate file /nowhere.pem does not exist'],
  ])('says what is wrong with %s', async (_, env, message) => {
    const result = await copy('registry.test/app:1', 'bad', env);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
    expect(result.stderr).not.toContain('hunter22');
  });

  it('refuses a redirect to an internal address through a proxy, by address and by a name that resolves here', async () => {
    const proxy = await startTestProxy({ 'registry.test:80': upstream.host });
    for (const location of ['http://169.254.169.254/latest', 'http://localtest.localhost/']) {
      const off = upstream.faults.add({
        match: { path: '/v2/redirected/' },
        action: { kind: 'status', status: 307, headers: { location } },
      });
      const result = await copy(
        'registry.test/redirected:1',
        'x',
        { HTTP_PROXY: proxy.url },
        '--src-plain-http',
      );
      off();
      expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('REDIRECT_REFUSED') });
    }
    expect(proxy.asked.join()).not.toMatch(/169\.254|localtest/);
  });

  it('reaches Amazon ECR under its own name, and logs in with the AWS credentials', async () => {
    const ecr = await startRegistry({ flavour: 'ecr' });
    const host = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
    const proxy = await startTestProxy({ [`${host}:80`]: ecr.host });
    const env = {
      ...loginFolder().env,
      HTTP_PROXY: proxy.url,
      AWS_ENDPOINT_URL_ECR: ecr.endpoint,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    };
    const line = [
      'copy',
      `${upstream.host}/app:1`,
      `${host}/team/app:1`,
      '--plain-http',
      '--create-repository',
    ];
    const result = await drayage(line, { env });
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(ecr.tag('team/app', '1')).toBe(image.manifest.digest);
    await ecr.stop();
  });
});
