import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { drayageVersion } from '../../core/registry/transport/version.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { pushBase } from '../support/base-image.ts';
import { buildImage } from '../support/build-image.ts';
import { seededImage } from '../support/seeded-image.ts';

describe('npm run image', () => {
  let registry: EmbeddedRegistry;
  const image = seededImage({ seed: 'base', layers: [{ size: 3_000 }] });
  let folder: string;
  const base = (tag: string) => `${registry.host}/base/node:${tag}`;
  beforeAll(async () => {
    registry = await startRegistry({ flavour: 'distribution' });
    const push = (tag: string, platforms: string[], config?: object) =>
      pushBase(registry.endpoint, 'base/node', tag, image, {
        platforms,
        family: 'oci',
        ...(config && { config }),
      });
    await push('24', ['linux/amd64', 'linux/arm64']);
    await push('one', ['linux/amd64']);
    await push('bare', ['linux/amd64'], { config: undefined, history: undefined });
    await push('path', ['linux/amd64'], { config: { Entrypoint: ['docker-entrypoint.sh'] } });
    await push('windows', ['windows/amd64', 'linux/amd64']);
    await push('layers', ['linux/amd64'], { rootfs: { type: 'layers', diff_ids: [] } });
    await push('shape', ['linux/amd64'], { config: { Env: 'PATH=/bin' } });
  });
  afterAll(() => registry.stop());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-image-test-'));
    return () => rmSync(folder, { recursive: true, force: true });
  });

  const json = (path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8'));
  const blob = (digest: string) => json(join('blobs', ...digest.split(':')));
  /** The configuration of the only image in the folder. */
  const config = () => blob(blob(json('index.json').manifests[0].digest).config.digest).config;

  it('makes an image without an index on a base without one', async () => {
    const built = await buildImage(['--base', base('one'), '--output', folder]);
    expect(built).toMatchObject({ code: 0, stdout: `oci:${folder}:${drayageVersion}\n` });
    const [entry] = json('index.json').manifests;
    expect(entry.mediaType).toBe('application/vnd.oci.image.manifest.v1+json');
    expect(blob(entry.digest).layers[0]).toMatchObject({ digest: image.layers[0]?.digest });
    expect(readdirSync(join(folder, 'blobs/sha256'))).toHaveLength(4);
  });

  it.each([
    ['bare', [], 'node'],
    ['path', [], 'node'],
    ['one', [], '/nodejs/bin/node'],
    ['one', ['--node', '/opt/node'], '/opt/node'],
  ])('finds Node in the base %s with %j: %s', async (tag, args, node) => {
    await buildImage(['--base', base(tag), '--output', folder, ...args]);
    expect(config()).toMatchObject({ Entrypoint: [node, '/app/dist/cli/main.js'], User: '65532:65532' });
    expect(config()).not.toHaveProperty('Cmd');
  });

  it('completes a layout, and gives a tag to the newest image', async () => {
    const args = ['--base', base('24'), '--output', folder];
    expect(await buildImage(args)).toMatchObject({ code: 0 });
    const before = json('index.json');
    const blobs = readdirSync(join(folder, 'blobs/sha256'));
    rmSync(join(folder, 'blobs/sha256', blobs[0] ?? ''));
    expect(await buildImage(args)).toMatchObject({ code: 0 });
    expect(json('index.json')).toEqual(before);
    expect(readdirSync(join(folder, 'blobs/sha256'))).toEqual(blobs);
    expect(await buildImage([...args, '--platform', 'linux/amd64'])).toMatchObject({ code: 0 });
    expect(json('index.json').manifests).toHaveLength(1);
    expect(json('index.json').manifests[0].digest).not.toBe(before.manifests[0].digest);
  });

  it('pushes to the registry of the base', async () => {
    const to = `${registry.host}/team/drayage:edge`;
    const built = await buildImage(['--base', base('24'), '--to', to]);
    const digest = registry.tag('team/drayage', 'edge');
    expect(built).toMatchObject({ code: 0, stdout: `${to}@${digest}\n` });
  });

  it.each([
    [['--base', 'windows'], 'it is not for Linux', '--platform linux/amd64'],
    [['--base', 'layers'], 'it has 1 layers, and its configuration names 0', '--base REGISTRY/NAME:TAG'],
    [['--base', 'shape'], 'its configuration is not an image’s: config.Env', '--base REGISTRY/NAME:TAG'],
    [['--base', '24', '--platform', 'linux/riscv64'], 'available platforms are linux/amd64, linux/arm64', ''],
    [['--base', 'missing'], 'base/node:missing', ''],
  ])('says what is wrong with %j', async ([flag = '', tag = '', ...more], message, remedy) => {
    const built = await buildImage([flag, base(tag), ...more, '--output', folder]);
    expect(built).toMatchObject({ code: 1, stdout: '' });
    expect(built.stderr).toContain(message);
    expect(built.stderr).toContain(remedy);
  });

  it.each([
    [[], {}, 'say where the image goes'],
    [['--to', 'a/b@sha256:12'], {}, 'invalid image reference'],
    [['--to', `a.example/b@sha256:${'0'.repeat(64)}`], {}, '--to takes a tag'],
    [['--platform', 'linux'], {}, 'it needs both an os and an architecture'],
    [
      ['--output', 'x'],
      { SOURCE_DATE_EPOCH: 'today' },
      'SOURCE_DATE_EPOCH is "today": write seconds since 1970',
    ],
  ])('refuses %j %j', async (args, env, message) => {
    const built = await buildImage(args, env);
    expect(built).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
  });

  it('leaves a folder alone that is no layout', async () => {
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    const built = await buildImage(['--base', base('one'), '--output', folder]);
    expect(built).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('neither empty nor an OCI layout'),
    });
    expect(readdirSync(folder)).toEqual(['notes.txt']);
  });
});
