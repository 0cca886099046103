import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drayage, type RunningLocal, startDrayageLocal } from '../support/drayage.ts';
import { type FailingServers, startFailingServers } from '../support/failing-servers.ts';

/** A command that fails, as a user types it: `NAME.test` is the address of a server of {@link startFailingServers}. */
interface Failing {
  title: string;
  args: string;
  env?: Record<string, string>;
  code?: number;
}

const to = 'plain.test/copy:1';
const plain = `${to} --plain-http`;
const tls = `${to} --dst-plain-http`;

const failing: Failing[] = [
  { title: 'a name that does not resolve', args: `copy no-such-host.invalid/app:1 ${tls}` },
  { title: 'a port on which nobody listens', args: `copy closed.test/app:1 ${plain}` },
  {
    title: 'a destination on which nobody listens',
    args: 'copy plain.test/empty:1 closed.test/app:1 --plain-http',
  },
  {
    title: 'a destination without a login',
    args: 'copy plain.test/empty:1 plain.test/private:1 --plain-http',
  },
  { title: 'no right to write', args: 'copy plain.test/empty:1 plain.test/denied:1 --plain-http' },
  { title: 'a registry that never answers', args: `copy plain.test/silent:1 ${plain} --timeout 1s` },
  { title: 'a certificate that signed itself', args: `copy self-signed.test/app:1 ${tls}` },
  { title: 'a certificate that has expired', args: `copy expired.test/app:1 ${tls} --ca-file expired.pem` },
  {
    title: 'a certificate for another name',
    args: `copy other-name.test/app:1 ${tls} --ca-file other-name.pem`,
  },
  { title: 'HTTPS to a registry that speaks HTTP', args: `copy plain.test/app:1 ${to}` },
  { title: 'HTTP to a registry that speaks HTTPS', args: `copy self-signed.test/app:1 ${plain}` },
  {
    title: 'HTTP to a registry that speaks HTTPS, and says so',
    args: `copy https-in-go.test/app:1 ${plain}`,
  },
  { title: 'no login', args: `copy plain.test/private:1 ${plain}` },
  { title: 'a wrong login', args: `copy plain.test/private:1 ${plain}`, env: { DOCKER_CONFIG: 'logins' } },
  { title: 'no right to read', args: `copy plain.test/denied:1 ${plain}` },
  { title: 'no such repository', args: `copy plain.test/missing:1 ${plain}` },
  { title: 'no such tag', args: `copy plain.test/no-tag:2.0 ${plain}` },
  { title: 'no such digest', args: `copy plain.test/no-tag@sha256:${'0'.repeat(64)} ${plain}` },
  { title: 'a rate limit', args: `copy plain.test/limited:1 ${plain}` },
  { title: 'a rate limit with a time', args: `copy plain.test/limited-for-an-hour:1 ${plain}` },
  { title: 'a registry with trouble', args: `copy plain.test/broken:1 ${plain}` },
  { title: 'what is no registry', args: `copy plain.test/page:1 ${plain}` },
  {
    title: 'a proxy on which nobody listens',
    args: `copy registry.example/app:1 ${tls}`,
    env: { HTTPS_PROXY: 'http://closed.test' },
  },
  {
    title: 'a proxy that is no URL',
    args: `copy registry.example/app:1 ${tls}`,
    env: { HTTPS_PROXY: 'ftp://x' },
  },
  { title: 'no such file of authorities', args: `copy plain.test/app:1 ${plain} --ca-file none.pem` },
  { title: 'not a reference', args: `copy plain.test/App:1 ${plain}`, code: 2 },
  { title: 'no configuration', args: 'validate --config none.yaml' },
  { title: 'a folder as configuration', args: 'validate --config logins' },
  { title: 'a wrong configuration', args: 'validate --config wrong.yaml' },
  { title: 'a configuration that is there already', args: 'init --config mirror.yaml' },
  { title: 'a folder that is not there', args: 'init --config none/mirror.yaml' },
  { title: 'a full disk', args: 'init --config /dev/full --force' },
  { title: 'a port that is in use', args: 'local --config mirror.yaml --port PORT' },
  { title: 'a data folder in use', args: 'local --config mirror.yaml --data data' },
  { title: 'a data folder that is a file', args: 'local --config mirror.yaml --data wrong.yaml' },
  { title: 'no address of the API', args: 'webhooks list', code: 2 },
  { title: 'an API on which nobody listens', args: 'webhooks list --api http://closed.test' },
  { title: 'an API with an unknown certificate', args: 'webhooks list --api https://self-signed.test' },
  { title: 'no token', args: 'webhooks list --api http://api.test' },
  { title: 'a wrong token', args: 'webhooks list --api http://api.test --token wrong' },
  { title: 'what is no API', args: 'webhooks list --api http://web.test' },
  { title: 'an unknown webhook', args: 'webhooks test hub --api http://api.test --token TOKEN' },
];

describe('what goes wrong first', () => {
  let folder: string;
  let local: RunningLocal;
  let servers: FailingServers;
  let names: [name: string, value: string][];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-failures-'));
    servers = await startFailingServers();
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    for (const [name, certificate] of Object.entries(servers.certificates)) write(`${name}.pem`, certificate);
    write('mirror.yaml', 'version: 1\nmirror: { regions: [eu-west-1] }\n');
    write('wrong.yaml', 'version: 1\nmirror: { region: eu-west-1 }\n');
    local = await startDrayageLocal([
      '--config',
      join(folder, 'mirror.yaml'),
      '--data',
      join(folder, 'data'),
      '--auth',
    ]);
    const { hosts } = servers;
    names = [
      ...Object.entries(hosts).map(([name, host]): [string, string] => [`${name}.test`, host]),
      ['api.test', new URL(local.ready.api).host],
      ['TOKEN', local.ready.tokens?.operator ?? ''],
      ['PORT', hosts.plain?.split(':')[1] ?? ''],
    ];
    const auth = Buffer.from('somebody:wrong').toString('base64');
    mkdirSync(join(folder, 'logins'));
    write('logins/config.json', JSON.stringify({ auths: { [hosts.plain ?? '']: { auth } } }));
  });
  afterAll(async () => {
    await local?.[Symbol.asyncDispose]();
    servers?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const filled = (text: string) => names.reduce((all, [name, value]) => all.replaceAll(name, value), text);
  /** Addresses by their names, without what is different each time. */
  const readable = (text: string) =>
    names
      .reduce((all, [name, value]) => all.replaceAll(value, name), text.replaceAll(`${folder}/`, ''))
      .replace(/process \d+/, 'process PID')
      .trimEnd();

  async function told({ title, args, env = {}, code = 1 }: Failing): Promise<string> {
    const variables = Object.entries(env);
    const result = await drayage(args.split(' ').map(filled), {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        ...Object.fromEntries(variables.map(([name, value]) => [name, filled(value)])),
      },
    });
    expect(result, title).toMatchObject({ code, stdout: '' });
    const typed = [...variables.map(([name, value]) => `${name}=${value}`), 'drayage', args].join(' ');
    return [`## ${title}`, '', `$ ${typed}`, readable(result.stderr), `(exit code ${result.code})`, ''].join(
      '\n',
    );
  }

  it('reads well', { timeout: 180_000 }, async () => {
    const blocks: string[] = [];
    // Two at a time: most of it is the start of Node.
    const waiting = failing.entries();
    await Promise.all(
      [0, 1].map(async () => {
        for (const [index, each] of waiting) blocks[index] = await told(each);
      }),
    );
    await expect(blocks.join('\n')).toMatchFileSnapshot('failures.golden.txt');
  });
});
