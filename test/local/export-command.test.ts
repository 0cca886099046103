import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { formatDescriptions } from '../../core/exports/format-names.ts';
import { drayage } from '../support/drayage.ts';
import { writeMappingFile } from '../support/mapping-file.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { seededImage } from '../support/seeded-image.ts';

const imageOf = (seed: string) => seededImage({ seed, layers: [{ size: 3_000 }] });
const images = { nginx: imageOf('export nginx'), shop: imageOf('export shop') };

describe('drayage export', () => {
  let pipeline: Pipeline;
  let folder: string;
  let file: string;
  beforeAll(async () => {
    pipeline = await startPipeline();
    folder = mkdtempSync(join(tmpdir(), 'drayage-export-'));
    file = join(folder, 'mapping.json');
    await writeMappingFile(pipeline, images, file);
    // The API answers from a snapshot, which takes a moment.
    while ((await (await pipeline.get('/v1/exports/json')).text()).split('"image":').length < 3)
      await sleep(100);
  }, 120_000);
  afterAll(async () => {
    await pipeline[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (...args: string[]) =>
    drayage(['export', ...args], {
      cwd: folder,
      env: { ...process.env, DRAYAGE_API: pipeline.api, DRAYAGE_TOKEN: '' },
    });
  const printed = async (...args: string[]) => {
    const { stdout, ...rest } = await run(...args);
    expect(rest).toEqual({ code: 0, stderr: '' });
    return stdout;
  };

  it.each(Object.keys(formatDescriptions))(
    '%s: prints the same from the API and from a file',
    async (format) => {
      const text = await printed(format);
      expect(text).toBe(await printed(format, '--mapping', file));
      expect(text).toContain(`${pipeline.stack.ready.registry}/`);
      // What people apply says first how.
      if (!/^(json|csv|imagemirror|kyverno-data)$/.test(format)) {
        const comment = text.replace(/^#!.*\n/, '').match(/^(#.*\n)+/)?.[0] ?? '';
        for (const part of ['How to use it:', 'What it does:', "What it can't do:"])
          expect(comment).toContain(part);
        expect(comment).toMatch(/Logins:|Nodes pull from Amazon ECR/);
      }
    },
  );

  it.each([
    ['kustomize', '--registry', 'ghcr.io'],
    ['registries-conf', '--repository', 'acme/shop'],
  ])('%s: is limited by %s %s', async (format, ...filter) => {
    for (const source of [[], ['--mapping', file]]) {
      const text = await printed(format, ...filter, ...source);
      expect(text).toContain('acme/shop');
      expect(text).not.toContain('library/nginx');
    }
    expect(await printed('csv', '--region', 'us-east-1')).toBe(
      (await printed('csv')).split('\n', 1).join('').concat('\n'),
    );
  });

  it('writes a file in one step, which keeps its old text if it fails', async () => {
    const out = join(folder, 'out.yaml');
    expect(await printed('kustomize', '-o', out)).toBe('');
    const text = readFileSync(out, 'utf8');
    expect(text).toBe(await printed('kustomize'));
    const failed = await run('kustomize', '-o', out, '--api', 'http://127.0.0.1:1');
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(readFileSync(out, 'utf8')).toBe(text);
    expect(readdirSync(folder).filter((name) => name.startsWith('out.'))).toEqual(['out.yaml']);
    expect(await run('csv', '-o', join(folder, 'none/out.csv'))).toMatchObject({ code: 1, stdout: '' });
  });

  it('containerd: writes the files themselves, unless somebody else’s stand there', async () => {
    const target = join(folder, 'certs.d');
    expect(await printed('containerd', '--output-dir', target)).toBe(
      'docker.io/hosts.toml\nghcr.io/hosts.toml\n',
    );
    const shop = join(target, 'ghcr.io/hosts.toml');
    expect(readFileSync(shop, 'utf8')).toContain(`http://${pipeline.stack.ready.registry}/v2/mirror/ghcr.io`);
    writeFileSync(join(target, 'docker.io/hosts.toml'), 'server = "https://registry-1.docker.io"\n');
    rmSync(shop);
    const refused = await run('containerd', '--output-dir', target);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('docker.io/hosts.toml was not written by drayage: nothing was written');
    expect(existsSync(shop)).toBe(false);
    const both = await run('containerd', '--output-dir', target, '-o', 'x');
    expect(both).toMatchObject({ code: 2, stdout: '' });
    expect((await run('kustomize', '--output-dir', target)).code).toBe(2);
    mkdirSync(join(folder, 'blocked'));
    writeFileSync(join(folder, 'blocked/ghcr.io'), '');
    expect(await run('containerd', '--output-dir', join(folder, 'blocked'))).toMatchObject({
      code: 1,
      stdout: '',
    });
  });

  it('kyverno: fills in the API’s address, which only the command knows', async () => {
    expect(await (await pipeline.get('/v1/exports/kyverno')).text()).toContain(
      'url: https://drayage-api.invalid/v1/exports/kyverno-data',
    );
    const text = await printed('kyverno');
    expect(text).toContain(`url: ${pipeline.api}/v1/exports/kyverno-data`);
    const offline = ['--mapping', file, '--api'];
    expect(await printed('kyverno', ...offline, '')).toContain('https://drayage-api.invalid');
    expect(await printed('kyverno', ...offline, 'https://api.example/x/')).toContain(
      'url: https://api.example/x/v1/exports/kyverno-data',
    );
  });

  it('prepull: pulls what was mirrored lately, by digest', async () => {
    const pinned = (path: string, { manifest }: typeof images.shop) =>
      `${pipeline.stack.ready.registry}/mirror/${path}@${manifest.digest}`;
    const text = await printed('prepull', '--platform', 'linux/amd64', '--node-selector', 'role=web');
    const [set, ...others] = parseAllDocuments(text).map((document) =>
      (document as { toJS(): unknown }).toJS(),
    );
    expect(others).toEqual([]);
    expect(set).toMatchObject({
      kind: 'DaemonSet',
      spec: { template: { spec: { nodeSelector: { 'kubernetes.io/arch': 'amd64', role: 'web' } } } },
    });
    for (const image of [
      pinned('ghcr.io/acme/shop', images.shop),
      pinned('docker.io/library/nginx', images.nginx),
    ])
      expect(text).toContain(`image: '${image}'`);
    expect(await printed('prepull', '--kruise', '--mapping', file, '--limit', '1')).toMatch(
      /kind: ImagePullJob\n(.*\n)* {2}image: '[^']*@sha256:/,
    );
    const none = await run('prepull', '--platform', 'linux/s390x');
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain('of 2 images, none was mirrored in that time for linux/s390x');
    for (const wrong of [
      ['--platform', 'linux'],
      ['--platform', 'windows/amd64'],
      ['--since', 'yesterday'],
      ['--limit', '0'],
      ['--node-selector', 'role'],
      ['--node-selector', 'role=a b'],
      ['--namespace', 'A'],
      ['--helper-image', 'Ä'],
    ])
      expect(await run('prepull', ...wrong), wrong.join(' ')).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('drayage export and the API', () => {
  const run = (api: string, ...args: string[]) =>
    drayage(['export', ...args], {
      env: { ...process.env, DRAYAGE_API: api, DRAYAGE_TOKEN: 'reader', HTTP_PROXY: '' },
    });
  const withToken = { authorization: 'Bearer reader' };

  it('follows the redirect to a stored export, without the token', async () => {
    const store = await startScriptedServer([
      {
        request: 'GET /exports/x?X-Amz-Signature=s',
        headers: { authorization: null },
        answer: { status: 200, body: 'image\r\nx\r\n' },
      },
    ]);
    const api = await startScriptedServer([
      {
        request: 'GET /v1/exports/csv?registry=ghcr.io',
        headers: withToken,
        answer: { status: 302, headers: { location: `${store.origin}/exports/x?X-Amz-Signature=s` } },
      },
    ]);
    expect(await run(api.origin, 'csv', '--registry', 'ghcr.io')).toEqual({
      code: 0,
      stdout: 'image\r\nx\r\n',
      stderr: '',
    });
  });

  it('tells of a store that refuses, without the signature', async () => {
    const store = await startScriptedServer([
      { request: 'GET /exports/x?X-Amz-Signature=s3cret', answer: { status: 403, body: '<Error/>' } },
    ]);
    const api = await startScriptedServer([
      {
        request: 'GET /v1/exports/csv',
        headers: withToken,
        answer: { status: 302, headers: { location: `${store.origin}/exports/x?X-Amz-Signature=s3cret` } },
      },
    ]);
    const { code, stdout, stderr } = await run(api.origin, 'csv');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('403');
    expect(stderr).not.toContain('s3cret');
  });

  it.each([
    [401, { error: { code: 'unauthorized', message: 'no' } }, /the token is not valid/],
    [
      503,
      { error: { code: 'not_built', message: 'the first snapshot is being built: try again' } },
      /being built/,
    ],
    [404, 'nothing here', /no Drayage API|check --api/],
  ])('tells of an answer of %i', async (status, body, message) => {
    const api = await startScriptedServer([{ request: 'GET /v1/exports/csv', answer: { status, body } }]);
    const { code, stdout, stderr } = await run(api.origin, 'csv');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('reader\n');
  });

  it('does not take something else for mappings', async () => {
    for (const body of ['<html>', '{}', '{"version":2,"mappings":[]}']) {
      const api = await startScriptedServer([
        { request: 'GET /v1/exports/json', answer: { status: 200, body } },
      ]);
      const { code, stdout, stderr } = await run(api.origin, 'prepull');
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('the API’s answer');
    }
  });
});
