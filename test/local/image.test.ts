import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { parsePlatform } from '../../core/oci/platform.ts';
import { parseReference } from '../../core/oci/reference.ts';
import { drayageVersion } from '../../core/registry/transport/version.ts';
import { defaultBase } from '../../image/base.ts';
import { buildImage, type ImageOptions } from '../../image/run.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { pushBase } from '../support/base-image.ts';
import { buildImage as runBuildImage } from '../support/build-image.ts';
import { loginFolder } from '../support/login-folder.ts';
import { seededImage } from '../support/seeded-image.ts';

describe('npm run image', () => {
  let registry: EmbeddedRegistry;
  const image = seededImage({ seed: 'base', layers: [{ size: 3_000 }] });
  let folder: string;
  const base = (tag: string) => `${registry.host}/base/node:${tag}`;
  beforeAll(async () => {
    registry = await startRegistry({ flavour: 'distribution' });
    const push = (tag: string, platforms: string[], config: object = {}) =>
      pushBase(registry.endpoint, 'base/node', tag, image, { platforms, family: 'oci', config });
    await push('24', ['linux/amd64', 'linux/arm64']);
    await push('one', ['linux/amd64']);
    await push('bare', ['linux/amd64'], { config: undefined, history: undefined });
    await push('path', ['linux/amd64'], { config: { Entrypoint: ['docker-entrypoint.sh'] } });
    await push('windows', ['windows/amd64', 'linux/amd64']);
    await push('lie', ['linux/amd64', 'linux/arm64'], { architecture: 'amd64' });
    await push('layers', ['linux/amd64'], { rootfs: { type: 'layers', diff_ids: [] } });
    await push('shape', ['linux/amd64'], { config: { Env: 'PATH=/bin' } });
  });
  afterAll(() => registry.stop());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-image-test-'));
    return () => rmSync(folder, { recursive: true, force: true });
  });

  /** Builds on a base of the registry, by default into the folder. */
  const build = (tag: string, options: Partial<ImageOptions> = {}) =>
    buildImage({
      base: parseReference(base(tag)),
      ...(options.to === undefined && { output: folder }),
      platforms: [],
      createRepository: false,
      created: new Date(0),
      endpoints: {
        plainHttp: true,
        srcPlainHttp: false,
        dstPlainHttp: false,
        authHost: [],
        redirectHost: [],
      },
      signal: new AbortController().signal,
      ...options,
    });
  const json = (path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8'));
  const blob = (digest: string) => json(join('blobs', ...digest.split(':')));
  const blobs = () => readdirSync(join(folder, 'blobs/sha256'));

  it('has the same default base as the Dockerfile', () => {
    const dockerfile = readFileSync(resolve(import.meta.dirname, '../../Dockerfile'), 'utf8');
    expect(dockerfile).toContain(`\nARG BASE=${defaultBase}\n`);
  });

  it('makes an image without an index on a base without one', async () => {
    const { digest, names } = await build('one');
    expect(names).toEqual([`oci:${folder}:${drayageVersion}`]);
    const [entry] = json('index.json').manifests;
    expect(entry).toMatchObject({ digest, mediaType: 'application/vnd.oci.image.manifest.v1+json' });
    expect(blob(digest).layers[0]).toMatchObject({ digest: image.layers[0]?.digest });
    expect(blobs()).toHaveLength(4);
  });

  it.each([
    ['bare', undefined, 'node'],
    ['path', undefined, 'node'],
    ['one', undefined, '/nodejs/bin/node'],
    ['one', '/opt/node', '/opt/node'],
  ])('finds Node in the base %s, told %s: %s', async (tag, node, found) => {
    const { digest } = await build(tag, { node });
    const { config } = blob(blob(digest).config.digest);
    expect(config).toMatchObject({ Entrypoint: [found, '/app/dist/cli/main.js'], User: '65532:65532' });
    expect(config).not.toHaveProperty('Cmd');
  });

  it('completes a layout, and gives a tag to the newest image', async () => {
    await build('24');
    const [index, before] = [json('index.json'), blobs()];
    rmSync(join(folder, 'blobs/sha256', before[0] ?? ''));
    await build('24');
    expect([json('index.json'), blobs()]).toEqual([index, before]);
    const reduced = await build('24', { platforms: [parsePlatform('linux/amd64')] });
    expect(reduced.platforms).toEqual(['linux/amd64']);
    const { manifests } = json('index.json');
    expect(manifests.map(({ digest }: { digest: string }) => digest)).toEqual([reduced.digest]);
    expect(reduced.digest).not.toBe(index.manifests[0].digest);
  });

  it('pushes to the registry of the base, under the version or a tag', async () => {
    const to = parseReference(`${registry.host}/team/drayage:edge`);
    const { digest, names } = await build('24', { to });
    expect(registry.tag('team/drayage', 'edge')).toBe(digest);
    expect(names).toEqual([`${registry.host}/team/drayage:edge@${digest}`]);
    const { tag: _, ...untagged } = to;
    registry.clearRequests();
    await build('24', { to: untagged });
    expect(registry.tag('team/drayage', drayageVersion)).toBe(digest);
    const sent = registry.requests.filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/'));
    expect(sent).toEqual([]);
  });

  it('logs in to Amazon ECR, and creates the repository', async () => {
    const ecr = await startRegistry({ flavour: 'ecr' });
    onTestFinished(() => ecr.stop());
    const to = `${ecr.host}/team/drayage:1`;
    const built = await runBuildImage(['--base', base('24'), '--to', to, '--create-repository'], {
      ...loginFolder().env,
      AWS_ENDPOINT_URL_ECR: ecr.endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    });
    expect(built, built.stderr).toMatchObject({ code: 0 });
    expect(built.stdout).toBe(`${to}@${ecr.tag('team/drayage', '1')}\n`);
  });

  it.each([
    ['windows', [], /windows\/amd64 can’t be the base: it is not for Linux/],
    ['lie', [], /linux\/arm64 can’t be the base: its configuration says linux\/amd64/],
    ['layers', [], /can’t be the base: it has 1 layers, and its configuration names 0/],
    ['shape', [], /can’t be the base: its configuration is not an image’s: config.Env/],
    ['24', ['linux/riscv64'], /available platforms are linux\/amd64, linux\/arm64/],
    ['missing', [], /base\/node:missing/],
  ])('says what is wrong with %s for %j', async (tag, platforms, message) => {
    await expect(build(tag, { platforms: platforms.map(parsePlatform) })).rejects.toThrow(message);
    expect(json('oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' });
  });

  it('leaves a folder alone that is no layout', async () => {
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    await expect(build('one')).rejects.toThrow(`${folder} is neither empty nor an OCI layout`);
    expect(readdirSync(folder)).toEqual(['notes.txt']);
  });

  it('ends with 1 and a remedy when it fails', async () => {
    const failed = await runBuildImage(['--base', base('windows'), '--output', folder]);
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('\n  choose the platforms of Linux: --platform linux/amd64\n');
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
  ])('ends with 2 for %j %j', async (args, env, message) => {
    const built = await runBuildImage(args, env);
    expect(built).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
  });
});
