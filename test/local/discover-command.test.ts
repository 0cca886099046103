import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { drayage } from '../support/drayage.ts';
import { writeMappingFile } from '../support/mapping-file.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-discover-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const run = (args: string[], input?: string | Uint8Array, env: NodeJS.ProcessEnv = {}) =>
  drayage(args, {
    cwd: folder,
    env: { ...process.env, AWS_REGION: '', DRAYAGE_API: '', DRAYAGE_TOKEN: '', ...env },
    ...(input !== undefined && { input }),
  });
const write = (path: string, text: string | Uint8Array) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const pod = (name: string, ...images: string[]) => ({
  kind: 'Pod',
  metadata: { name, namespace: 'shop' },
  spec: { containers: images.map((image, i) => ({ name: `c${i}`, image })) },
});
const node = (architecture: string, region: string) => ({
  kind: 'Node',
  metadata: { labels: { 'topology.kubernetes.io/region': region } },
  status: { nodeInfo: { operatingSystem: 'linux', architecture } },
});
const list = (...items: unknown[]) => JSON.stringify({ apiVersion: 'v1', items, kind: 'List' }, null, 4);

/** The configuration that a text is, as `drayage validate` reads it. */
async function validated(text: string) {
  write('mirror.yaml', text);
  const { code, stdout, stderr } = await run(['validate', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout).config;
}

describe('drayage discover', () => {
  it('prints a mirror.yaml that validate accepts and --check finds complete', async () => {
    const pods = list(
      pod('a', 'nginx:1.27', 'ghcr.io/acme/shop:1.0'),
      node('arm64', 'eu-north-1'),
      pod('b', 'nginx'),
    );
    const { code, stdout, stderr } = await run(['discover'], pods);
    expect(code).toBe(0);
    expect(stderr).toContain('images: 3, repositories: 2, registries: 2; from 2 pods\n');
    const config = await validated(stdout);
    expect(config.mirror.regions).toEqual(['eu-north-1']);
    expect(config.upstreams[0].repositories[0]).toMatchObject({
      match: 'library/nginx',
      platforms: ['linux/arm64'],
    });
    expect(await run(['discover', '--check', 'mirror.yaml'], pods)).toEqual({
      code: 0,
      stdout: 'mirror.yaml covers 3 of 3 images (100 %), and all images of 2 of 2 pods\n',
      stderr: '',
    });
    const more = await run(
      ['discover', '--check', 'mirror.yaml'],
      list(pod('x', 'nginx:1.28', 'quay.io/a/b:1', 'a b')),
    );
    expect(more).toMatchObject({ code: 3, stderr: '' });
    expect(more.stdout).toContain('not covered:\n  quay.io/a/b:1  1 pod (shop/x): no upstream is configured');
    expect(more.stdout).toContain('not references, so no pod runs with them:\n  a b  1 pod (shop/x)');
    const json = await run(['discover', '--check', 'mirror.yaml', '--json'], list(pod('x', 'quay.io/a/b:1')));
    expect(JSON.parse(json.stdout)).toMatchObject({ images: 1, covered: 0, percent: 0, podsCovered: 0 });
  });

  it.each([
    ['--region', ['--region', 'us-west-2'], { AWS_REGION: 'eu-west-3' }, 'us-west-2', ''],
    ['AWS_REGION', [], { AWS_REGION: 'eu-west-3' }, 'eu-west-3', '# from AWS_REGION'],
    ['a default', [], {}, 'eu-west-1', '# a default: write the region of your cluster here'],
  ])('takes the region from %s', async (_, flags, env, region, comment) => {
    const { stdout } = await run(['discover', ...flags], list(pod('a', 'nginx')), env);
    expect((await validated(stdout)).mirror.regions).toEqual([region]);
    expect(stdout).toContain(`regions: [${region}]${comment === '' ? '\n' : `    ${comment}`}`);
  });

  it('reads files of every kind, folders, YAML, and several lists one after another', async () => {
    write('pods.json', `\uFEFF${list(pod('a', 'one:1'))}\n${list(node('amd64', 'x'))}`);
    write('deploy/pod.yaml', 'kind: Pod\nmetadata: {name: y}\nspec: {containers: [{image: "two:1"}]}\n');
    write('deploy/compose.yaml', 'services: {a: {image: "three:1"}, b: {image: "$X"}}\n');
    write('deploy/Dockerfile', 'FROM four:1 AS base\nFROM base\n');
    write('values.yaml', 'image: {repository: five, tag: "1"}\n');
    write(
      'deploy.json',
      JSON.stringify({
        kind: 'Deployment',
        spec: { template: { spec: { containers: [{ image: 'six:1' }] } } },
      }),
    );
    const args = [
      'discover',
      '--json',
      'pods.json',
      'deploy',
      'values.yaml',
      'deploy.json',
      '-',
      '--platform',
      'linux/arm64',
    ];
    const { code, stdout, stderr } = await run(args, 'kind: Pod\nspec: {containers: [{image: "seven:1"}]}\n');
    expect(code, stderr).toBe(0);
    const { images, pods, platforms } = JSON.parse(stdout);
    expect({ pods, platforms }).toEqual({ pods: 3, platforms: ['linux/amd64', 'linux/arm64'] });
    expect(
      images.map(({ image }: { image: string }) => image.replace('docker.io/library/', '')).sort(),
    ).toEqual(['one:1', 'two:1', 'three:1', 'four:1', 'five:1', 'six:1', 'seven:1'].sort());
    expect(stderr).toContain('deploy/compose.yaml:1:47: "$X" is not counted: it contains a variable\n');
  });

  it('runs kubectl, also where it may not list nodes', async () => {
    write('bin/pods.json', list(pod('a', 'nginx:1.27')));
    write(
      'bin/kubectl',
      `#!/bin/sh\ncase "$*" in\n"--kubeconfig k --context c get pods --all-namespaces -o json") cat '${join(folder, 'bin/pods.json')}';;\n` +
        `*) echo 'Error from server (Forbidden): nodes is forbidden' >&2; exit 1;;\nesac\n`,
    );
    chmodSync(join(folder, 'bin/kubectl'), 0o755);
    const env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
    const found = await run(['discover', '--kubeconfig', 'k', '--context', 'c'], undefined, env);
    expect(found).toMatchObject({ code: 0, stdout: expect.stringContaining('# 1 pod: 1.27') });
    expect(found.stderr).toContain('platforms are unknown');
    const failed = await run(['discover', '--context', 'other'], undefined, env);
    expect(failed).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('nodes is forbidden'),
    });
    expect(failed.stderr).toContain('kubectl config get-contexts');
    const missing = await run(['discover', '--context', 'c'], undefined, { PATH: dirname(process.execPath) });
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('kubectl is not on the PATH') });
  });

  it.each([
    ['nothing', [], '', 1, 'there are no images in the input'],
    ['a list that was cut off', [], list(pod('a', 'nginx')).slice(0, -30), 1, 'in the middle of a value'],
    [
      'only what is no reference',
      [],
      list(pod('a', 'A B')),
      1,
      'nothing in the input is an image reference: "A B"',
    ],
    ['only what can’t be mirrored', [], list(pod('a', 'localhost/x')), 1, 'only the node itself reaches'],
    ['bytes that are not UTF-8', [], Buffer.from([0xff, 0xfe, 0x7b, 0]), 1, 'is not UTF-8'],
    ['a file that is not there', ['none.json'], '', 1, 'none.json can’t be read'],
    ['a wrong platform', ['--platform', 'x'], list(pod('a', 'nginx')), 2, '--platform: invalid platform'],
    ['a wrong region', ['--region', 'nowhere'], list(pod('a', 'nginx')), 1, 'is not an AWS region'],
    ['a wrong prefix', ['--prefix', 'A'], list(pod('a', 'nginx')), 1, 'change --region'],
    ['a mapping without --check', ['--mapping', 'x'], '', 2, 'add --check'],
    [
      'a configuration that is not there',
      ['--check', 'none.yaml'],
      '',
      1,
      '--check none.yaml does not exist',
    ],
  ])('%s is an error that says what helps', async (_, args, input, code, message) => {
    const result = await run(['discover', ...args], input);
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
  });

  it('reads 60 MB of pods within 300 MB', async () => {
    const padding = 'x'.repeat(4_000);
    const pods = Array.from({ length: 14_000 }, (_, i) => ({ ...pod(`p${i}`, `nginx:1.${i % 9}`), padding }));
    write('pods.json', JSON.stringify({ items: pods }));
    const { code, stdout, stderr } = await run(['discover', 'pods.json'], undefined, {
      NODE_OPTIONS: '--max-old-space-size=100',
    });
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('# 14000 pods: 1.0, 1.1, 1.2, 1.3 and 5 more');
  });
});

describe('drayage discover --check with a mapping', () => {
  let pipeline: Pipeline;
  let mapping: string;
  beforeAll(async () => {
    pipeline = await startPipeline();
    mapping = join(mkdtempSync(join(tmpdir(), 'drayage-mapping-')), 'mapping.json');
    const imageOf = (seed: string) => seededImage({ seed, layers: [{ size: 3_000 }] });
    await writeMappingFile(
      pipeline,
      { nginx: imageOf('discover nginx'), shop: imageOf('discover shop') },
      mapping,
    );
  });
  afterAll(async () => {
    await pipeline[Symbol.asyncDispose]();
    rmSync(dirname(mapping), { recursive: true, force: true });
  });

  it.each([
    ['a file', () => ['--mapping', mapping]],
    ['the API', () => ['--api', pipeline.api]],
  ])('from %s, says what is mirrored and comes from upstream', async (_, where) => {
    const mirrored = `${pipeline.stack.ready.registry}/mirror/ghcr.io/acme/shop:1.0`;
    const pods = list(pod('a', 'nginx:1.27', mirrored), pod('b', 'nginx:1.27'));
    write(
      'mirror.yaml',
      (await run(['discover'], list(pod('a', 'nginx:1.27', 'ghcr.io/acme/shop:1.0')))).stdout,
    );
    const args = ['discover', '--check', 'mirror.yaml', ...where()];
    const { code, stdout, stderr } = await run(args, pods);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('covers 2 of 2 images (100 %)');
    expect(stdout).toContain('mirrored: 2; named by the mirror’s reference: 1');
    expect(stdout).toMatch(
      /mirrored, but named by the upstream.*:\n {2}docker\.io\/library\/nginx:1\.27 {2}2 pods \(shop\/a …\): .*@sha256:/,
    );
    const missing = await run(args, list(pod('a', 'nginx:1.28')));
    expect(missing).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('covered, but not mirrored yet'),
    });
  });
});
