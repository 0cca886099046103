import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import type { Ready } from '../../local/stack.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';
import { type OnTerminal, startOnTerminal } from '../support/terminal.ts';

const run = promisify(execFile);
const launcher = resolve(import.meta.dirname, '../../cli/drayage.js');

describe('drayage local on a terminal', () => {
  const image = seededImage({ seed: 'local on a terminal', layers: [{ size: 300_000 }] });
  let upstream: EmbeddedRegistry;
  let folder: string;
  let config: string;
  beforeAll(async () => {
    upstream = await startRegistry({ flavour: 'distribution' });
    await pushImage(upstream.endpoint, 'acme/shop', '1.0', image);
    folder = mkdtempSync(join(tmpdir(), 'drayage-terminal-'));
    config = join(folder, 'mirror.yaml');
    writeFileSync(
      config,
      `version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: ghcr.io
    endpoint: ${upstream.endpoint}
    webhook: { source: github }
    repositories: [{ match: acme/shop, tags: { include: ["1.0", "gone"] } }]
`,
    );
    writeFileSync(join(folder, 'drayage'), `#!/bin/sh\nexec '${process.execPath}' '${launcher}' "$@"\n`);
    chmodSync(join(folder, 'drayage'), 0o755);
  });
  afterAll(async () => {
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const lines = ({ screen }: OnTerminal) => [...screen.history, ...screen.shown];

  /** The JSON is everything before the first empty line, in as many rows as it takes. */
  function readyOf(local: OnTerminal): Ready {
    const all = lines(local);
    return JSON.parse(all.slice(0, all.indexOf('')).join(''));
  }

  /**
   * Runs the commands shown after “Try next”, with this program as `drayage`; pulls are left out.
   */
  async function tryCommands(local: OnTerminal): Promise<string> {
    const all = lines(local);
    const from = all.findIndex((line) => line.startsWith('Try next'));
    const shown = all.slice(from + 2, all.indexOf('', from + 2)).map((line) => line.slice(2));
    const script = shown.filter((line) => !/^(docker|aws) /.test(line)).join('\n');
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, DRAYAGE_API: '', DRAYAGE_TOKEN: '' };
    const { stdout } = await run('bash', ['-ec', script], { env });
    const pull = shown.find((line) => line.startsWith('docker pull ')) ?? '';
    const [, host, repository, tag] = /^docker pull ([^/]+)\/(.*):([^:]+)$/.exec(pull) ?? [];
    expect(host).toBe(readyOf(local).registry);
    return `${stdout}\n${repository}:${tag}`;
  }

  it.each([['no'], ['--auth']])(
    'shows what to paste, and commands that work as they are (%s)',
    async (auth) => {
      const args = ['local', '--config', config, ...(auth === '--auth' ? [auth] : [])];
      // Wide enough for all commands, since a row of the screen does not show whether it continues
      // the one before.
      await using local = startOnTerminal(args, 250);
      await local.sees('as they arrive');
      const { webhooks, api, registry } = readyOf(local);
      const secret = webhooks.github?.secret ?? 'none';
      const told = lines(local).join('\n');
      for (const text of [`URL       ${api}/webhooks/github`, `secret    ${secret}`, `registry  ${registry}`])
        expect(told).toContain(text);

      const output = await tryCommands(local);
      expect(output).toContain(`Secret: \`${secret}\``);
      expect(output).toContain('ghcr.io/acme/shop:1.0: committed');
      expect(output).toContain(`\n${registry}/mirror/ghcr.io/acme/shop:1.0\n`);
      expect(output).toContain(`at ${api}\n  mirror    eu-west-1  ${registry}\n`);
      expect(output.endsWith('\nmirror/ghcr.io/acme/shop:1.0')).toBe(true);
      await local.sees('committed in');
      expect(lines(local).join('\n')).toMatch(
        /\d\d:\d\d:\d\d {2}github {2}accepted ghcr\.io\/acme\/shop:1\.0\n\d\d:\d\d:\d\d {2}job {5}ghcr\.io\/acme\/shop:1\.0 committed in [\d.]+ m?s: copied 2 \(300 kB\)/,
      );
      local.interrupt();
      expect(await local.ended).toBe(0);
    },
  );

  it('prints a line for each delivery and each job, within 80 columns', async () => {
    await using local = startOnTerminal(['local', '--config', config], 80);
    await local.sees('as they arrive');
    const { api } = readyOf(local);
    const deliver = (image: string) =>
      run(process.execPath, [launcher, 'webhooks', 'test', 'github', '--api', api, '--image', image]);
    await deliver('ghcr.io/acme/shop:1.0');
    await deliver('ghcr.io/acme/shop:2.0').catch(() => {});
    await fetch(`${api}/webhooks/github`, { method: 'POST', body: '{}' });
    await fetch(`${api}/webhooks/no-name-but-a-secret`, { method: 'POST', body: '{}' });
    await local.sees('404 not_found');
    local.interrupt();
    expect(await local.ended).toBe(0);

    const all = lines(local);
    const happened = all.slice(all.findIndex((line) => line.startsWith('Deliveries and jobs')) + 2);
    expect(happened.map((line) => line.slice('20:40:04  '.length))).toEqual([
      'github  accepted ghcr.io/acme/shop:1.0',
      expect.stringMatching(/^job {5}ghcr\.io\/acme\/shop:1\.0 committed in .* copied 2 \(300 kB\),$/),
      expect.stringMatching(/^ {8}mounted 0 \(0 B\), present 0 \(0 B\)$/),
      expect.stringMatching(/^github {2}ignored ghcr\.io\/acme\/shop:2\.0: not_configured: the rule$/),
      expect.anything(),
      expect.anything(),
      'github  refused with 401 not_authentic: check the secret at the sender',
      '?       refused with 404 not_found: check the end of the URL at the',
      '        sender',
      expect.anything(),
    ]);
    expect(all.at(-1)).toContain('stopping…');
    // The JSON is a contract, however wide the terminal is.
    const json = all.slice(0, all.indexOf(''));
    expect(local.screen.wrapped).toEqual(json.slice(0, -1));
  });

  it('writes for people only on the output that is a terminal, and puts no secret into the logs', async () => {
    const log = join(folder, 'log');
    await using local = startOnTerminal(['local', '--config', config], 250, `2>${log}`);
    await local.sees('as they arrive');
    const { api, webhooks } = readyOf(local);
    const secret = webhooks.github?.secret ?? 'none';
    expect(lines(local).join('\n')).toContain(`secret    ${secret}`);
    await fetch(`${api}/webhooks/github`, { method: 'POST', body: '{}' });
    await local.sees('401 not_authentic');
    local.interrupt();
    expect(await local.ended).toBe(0);
    const logged = readFileSync(log, 'utf8');
    expect(logged).toContain('"message":"a delivery was refused"');
    expect(logged).not.toContain(secret);
    expect(logged).not.toContain('Try next');

    const out = join(folder, 'out');
    await using piped = startOnTerminal(['local', '--config', config], 250, `>${out}`);
    await piped.sees('as they arrive');
    expect(readFileSync(out, 'utf8')).toMatch(/^\{"ready":true.*\}\n$/);
    expect(lines(piped)[1]).toBe('The pipeline runs on this machine. Ctrl-C stops it.');
  });
});
