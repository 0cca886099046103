import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drayage } from '../support/drayage.ts';
import { type ScriptedStep, startScriptedServer } from '../support/scripted-server.ts';

describe('drayage complete images', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-complete-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const complete = (word: string, api: string, ...more: string[]) =>
    drayage(['complete', 'images', word, ...more], {
      env: {
        ...process.env,
        DRAYAGE_API: api,
        DRAYAGE_TOKEN: 'reader',
        XDG_CACHE_HOME: folder,
        HTTP_PROXY: '',
      },
    });
  const page = (images: string[], cursor?: string): ScriptedStep => ({
    request: `GET /v1/mappings?limit=1000`,
    headers: { authorization: 'Bearer reader' },
    answer: {
      status: 200,
      body: {
        mappings: images.map((image) => ({ image, sourceDigest: 'd', mediaType: 'm' })),
        ...(cursor && { cursor }),
      },
    },
  });
  const nothing = { code: 0, stdout: '', stderr: '' };

  it('prints the names that begin with the word, in the form that it is written in', async () => {
    const images = ['docker.io/library/nginx:1.27', 'docker.io/acme/web:1', 'ghcr.io/acme/shop:1.0'];
    const next = { ...page(images.slice(2)), request: 'GET /v1/mappings?limit=1000&cursor=next' };
    const server = await startScriptedServer([page(images.slice(0, 2), 'next'), next]);
    expect(await complete('', server.origin, '--refresh')).toEqual(nothing);
    // From here on, without the API.
    const offered = async (word: string) =>
      (await complete(word, server.origin)).stdout.split('\n').slice(0, -1);
    expect(await offered('ngi')).toEqual(['nginx:1.27']);
    expect(await offered('docker.io/')).toEqual(['docker.io/acme/web:1', 'docker.io/library/nginx:1.27']);
    expect(await offered('ghcr.io/acme/shop:')).toEqual(['ghcr.io/acme/shop:1.0']);
    expect(await offered('quay')).toEqual([]);
  });

  it('offers nothing that a shell could take for something else than a name', async () => {
    const server = await startScriptedServer([page(['a:1', 'a:$(reboot)', 'a b', 'a\n;reboot', 'x@y'])]);
    await complete('', server.origin, '--refresh');
    expect((await complete('', server.origin)).stdout).toBe('docker.io/library/a:1\n');
  });

  it('says nothing if there is no API', async () => {
    for (const api of ['http://127.0.0.1:9', 'not an address', '', 'file:///etc'])
      expect(await complete('a', api)).toEqual(nothing);
  });

  it('does not wait for a slow API, and knows its names the next time', async () => {
    const server = createServer((_, response) => {
      const mappings = [{ image: 'ghcr.io/acme/shop:1.0', sourceDigest: 'd', mediaType: 'm' }];
      setTimeout(() => response.end(JSON.stringify({ mappings })), 1_500);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    try {
      const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      expect(await complete('ghcr', api)).toEqual(nothing);
      await expect
        .poll(async () => (await complete('ghcr', api)).stdout, { timeout: 20_000 })
        .toBe('ghcr.io/acme/shop:1.0\n');
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it('keeps names in a folder of its own, and trusts none that others can write into', async () => {
    const server = await startScriptedServer([page(['a:1'])]);
    await complete('', server.origin, '--refresh');
    const cache = join(folder, 'drayage');
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    const files = readdirSync(cache);
    expect(files).toHaveLength(1);
    expect(statSync(join(cache, files[0] ?? '')).mode & 0o777).toBe(0o600);
    expect(files.join()).not.toContain('reader');

    chmodSync(cache, 0o777);
    expect((await complete('a', 'http://127.0.0.1:9')).stdout).toBe('');
    rmSync(cache, { recursive: true });
    mkdirSync(cache, { mode: 0o777 });
    chmodSync(cache, 0o777);
    const other = await startScriptedServer([page(['a:1'])]);
    expect(await complete('', other.origin, '--refresh')).toMatchObject({ stdout: '', stderr: '' });
    expect(readdirSync(cache)).toEqual([]);
  });
});

describe('drayage completion', () => {
  it.each(['bash', 'zsh', 'fish'])('knows all commands and none that is hidden: %s', async (shell) => {
    const { code, stdout } = await drayage(['completion', shell]);
    expect(code).toBe(0);
    const help = (await drayage(['--help'])).stdout;
    const commands = [...help.matchAll(/^ {2}([a-z]+) (?!.*\$)/gm)].flatMap(([, name]) => name ?? []);
    expect(commands).toEqual(expect.arrayContaining(['copy', 'lookup', 'webhooks', 'completion']));
    for (const name of commands.filter((each) => each !== 'help'))
      expect(stdout).toMatch(new RegExp(`\\b${name}\\b`));
    for (const option of ['secrets', 'no-wait', 'dst-plain-http', 'platform'])
      expect(stdout).toContain(option);
    expect(stdout).toContain('queued');
  });

  it('names the shells that it knows', async () => {
    expect(await drayage(['completion', 'tcsh'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('bash, zsh, fish'),
    });
  });
});
