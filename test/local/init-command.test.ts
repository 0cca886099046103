import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drayage } from '../support/drayage.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-init-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const run = (...args: string[]) => drayage(args, { cwd: folder });

interface WrittenUpstream {
  registry: string;
  repositories: { match: string; tags: { include: string[] } }[];
}

describe('drayage init', () => {
  it('is suggested by validate if there is no file, and writes a valid one', async () => {
    const without = await run('validate');
    expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining('create one: drayage init') });
    expect(await run('init')).toMatchObject({ code: 0, stdout: '' });
    const valid = await run('validate');
    expect(valid, valid.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(folder, 'mirror.yaml'), 'utf8')).toMatch(/^ +# /m);
  });

  it('accepts several values after one flag, and a registry at an IPv6 address', async () => {
    const printed = await run(
      'init',
      '--config',
      '-',
      '--from',
      'ghcr.io/a/b',
      'ghcr.io/a/c',
      '[::1]:5000/a',
    );
    expect(printed, printed.stderr).toMatchObject({ code: 0 });
    writeFileSync(join(folder, 'mirror.yaml'), printed.stdout);
    const { config } = JSON.parse((await run('validate', '--json')).stdout);
    expect(
      config.upstreams.map(({ registry, repositories }: WrittenUpstream) => [registry, repositories.length]),
    ).toEqual([
      ['ghcr.io', 2],
      ['[::1]:5000', 1],
    ]);
  });

  it('fills the file from repositories and images, with the webhooks of their registries', async () => {
    const images = [
      'ghcr.io/acme/shop',
      'nginx:1.27',
      'nginx:1.28',
      'one.azurecr.io/app',
      'two.azurecr.io/app:2',
      'registry.example:5000/team/app',
      `quay.io/a/b@sha256:${'a'.repeat(64)}`,
    ];
    const from = images.flatMap((image) => ['--from', image]);
    const printed = await run('init', '--config', '-', '--region', 'us-east-1', ...from);
    expect(printed, printed.stderr).toMatchObject({ code: 0 });
    writeFileSync(join(folder, 'mirror.yaml'), printed.stdout);
    const { config } = JSON.parse((await run('validate', '--json')).stdout);
    expect(config.mirror.regions).toEqual(['us-east-1']);
    const rules = config.upstreams.map(({ registry, repositories }: WrittenUpstream) => [
      registry,
      ...repositories.map(({ match, tags }) => `${match} ${tags.include}`),
    ]);
    expect(rules).toEqual([
      ['ghcr.io', 'acme/shop *'],
      ['docker.io', 'library/nginx 1.27,1.28'],
      ['one.azurecr.io', 'app *'],
      ['two.azurecr.io', 'app 2'],
      ['registry.example:5000', 'team/app *'],
      ['quay.io', 'a/b *'],
    ]);
  });

  it('never overwrites a file unless it is told to', async () => {
    writeFileSync(join(folder, 'mirror.yaml'), 'mine');
    expect(await run('init')).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') });
    expect(readFileSync(join(folder, 'mirror.yaml'), 'utf8')).toBe('mine');
    expect(await run('init', '--force')).toMatchObject({ code: 0 });
  });

  it.each([
    [['--region', 'nowhere'], 1, 'is not an AWS region'],
    [['--config', 'none/mirror.yaml'], 1, 'can’t be written: there is no folder none'],
    [['--from', 'ghcr.io/UPPER'], 2, 'argument'],
  ])('%j is an error that says why', async (args, code, message) => {
    expect(await run('init', ...args)).toMatchObject({ code, stderr: expect.stringContaining(message) });
  });
});

it('drayage validate warns about keys that cdk synth refuses, and passes', async () => {
  writeFileSync(
    join(folder, 'mirror.yaml'),
    'version: 1\nmirror: { regions: [eu-west-1, us-east-1] }\nupstreams:\n  - registry: docker.io\n    repositories: [{ match: "**" }]\n',
  );
  const { code, stderr } = await run('validate');
  expect(code).toBe(0);
  const places = stderr
    .trim()
    .split('\n')
    .map((line) => line.split(' ').slice(0, 3).join(' '));
  expect(new Set(places)).toEqual(new Set(['warning: mirror.yaml:2:32 mirror.regions[1]:']));
  expect(JSON.parse((await run('validate', '--json')).stdout).warnings).toHaveLength(1);
});

it('drayage schema prints what docs/mirror.schema.json holds', async () => {
  const { stdout } = await run('schema');
  const kept = readFileSync(join(import.meta.dirname, '../../docs/mirror.schema.json'), 'utf8');
  expect(stdout).toBe(kept);
});
