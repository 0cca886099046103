import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { drayage } from '../support/drayage.ts';
import { writeMappingFile } from '../support/mapping-file.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const imageOf = (seed: string) => seededImage({ seed, layers: [{ size: 3_000 }] });

describe('drayage rewrite', () => {
  let pipeline: Pipeline;
  let folder: string;
  let mapping: string;
  const images = { nginx: imageOf('rewrite nginx'), shop: imageOf('rewrite shop') };
  beforeAll(async () => {
    pipeline = await startPipeline();
    mapping = join(mkdtempSync(join(tmpdir(), 'drayage-mapping-')), 'mapping.json');
    await writeMappingFile(pipeline, images, mapping);
  });
  afterAll(async () => {
    await pipeline[Symbol.asyncDispose]();
    rmSync(dirname(mapping), { recursive: true, force: true });
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-rewrite-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (args: string[], input?: string | Uint8Array, env: NodeJS.ProcessEnv = {}) =>
    drayage(['rewrite', ...args], {
      cwd: folder,
      env: { ...process.env, DRAYAGE_API: pipeline.api, DRAYAGE_TOKEN: '', ...env },
      ...(input !== undefined && { input }),
    });
  const mirrorOf = (path: string) => `${pipeline.stack.ready.registry}/mirror/${path}`;
  const nginx = () => `${mirrorOf('docker.io/library/nginx')}@${images.nginx.manifest.digest}`;
  const shop = () => `${mirrorOf('ghcr.io/acme/shop')}@${images.shop.manifest.digest}`;
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  const pod = (...names: string[]) =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n${names
      .map((image) => `    - image: "${image}" # ü\r\n`)
      .join('')}`;
  const sources = [
    ['the API', () => []],
    ['a file', () => ['--mapping', mapping, '--api', '']],
  ] as const;

  it.each(sources)('%s: standard input to standard output, only references changed', async (_, where) => {
    const result = await run(
      [...where()],
      pod('nginx:1.27', 'ghcr.io/acme/shop:1.0', 'docker.io/nginx:1.27'),
    );
    expect(result).toEqual({ code: 0, stdout: pod(nginx(), shop(), nginx()), stderr: '' });
  });

  it.each(sources)('%s: a second run changes nothing, and misses nothing', async (_, where) => {
    const text = pod(nginx(), `${mirrorOf('other')}:1`);
    expect(await run([...where()], text)).toEqual({ code: 0, stdout: text, stderr: '' });
    expect(await run(['--check', ...where()], text)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it.each(sources)('%s: --tags names the mirror’s tag', async (_, where) => {
    const { stdout } = await run(['--tags', ...where()], pod('nginx:1.27'));
    expect(stdout).toBe(pod(mirrorOf('docker.io/library/nginx:1.27')));
  });

  it.each(sources)('%s: what is missing is kept, refused, or checked', async (_, where) => {
    const text = pod('nginx:1.27', 'lost:1', 'lost:1', 'a b', '$X');
    const notes =
      'stdin:7:15 and 1 more place: lost:1 is not mirrored\n' +
      'stdin:9:15: "a b" stays as it is: the repository "a b" is not lower-case letters and digits, joined by one of . _ __ - and /\n' +
      'stdin:10:15: "$X" stays as it is: it contains a variable\n';
    expect(await run([...where()], text)).toEqual({
      code: 0,
      stdout: pod(nginx(), 'lost:1', 'lost:1', 'a b', '$X'),
      stderr: notes,
    });
    expect(await run(['--missing', 'fail', ...where()], text)).toEqual({
      code: 3,
      stdout: '',
      stderr: `${notes}drayage: nothing was written, since not all images are mirrored (--missing fail)\n`,
    });
    const checked = await run(['--check', ...where()], text);
    expect(checked).toMatchObject({ code: 3, stdout: notes.split('\n')[0]?.concat('\n') });
    const json = await run(['--check', '--json', ...where()], text);
    expect(JSON.parse(json.stdout)).toMatchObject({
      rewritten: [{ file: 'stdin', line: 6, column: 15, image: 'nginx:1.27', to: nginx() }],
      missing: [{ image: 'lost:1', at: [{ line: 7 }, { line: 8, resource: { kind: 'Pod', name: 'a' } }] }],
      leftAlone: [
        { text: 'a b', why: 'invalid' },
        { text: '$X', why: 'variable' },
      ],
    });
  });

  it('--missing enqueue mirrors what a rule names, and says what none names', async () => {
    await pipeline.push('library/later', '1', imageOf('rewrite later'));
    const { code, stdout, stderr } = await run(['--missing', 'enqueue'], pod('later:1', 'quay.io/a/b:1'));
    expect({ code, stdout }).toEqual({ code: 0, stdout: pod('later:1', 'quay.io/a/b:1') });
    expect(stderr).toContain('quay.io/a/b:1 is not queued: no rule of mirror.yaml names it\n');
    expect(stderr).toContain('1 image queued: drayage jobs --watch follows them\n');
    await expect.poll(() => pipeline.mapping('later:1'), { timeout: 20_000 }).toBeDefined();
    expect((await run(['--mapping', mapping, '--missing', 'enqueue', '--api', ''], '')).code).toBe(2);
  });

  it('--pull-policy relaxes what Kubernetes has filled in', async () => {
    await pipeline.push('library/newest', 'latest', imageOf('rewrite newest'));
    const queued = await pipeline.post('/v1/mirrors', { images: ['newest'] });
    const { jobs } = (await queued.json()) as { jobs: { id: string }[] };
    await pipeline.jobIn(jobs[0]?.id ?? '', 'committed');
    const text =
      'kind: Pod\nspec: {containers: [{image: newest, imagePullPolicy: Always}, {image: "nginx:1.27", imagePullPolicy: Always}]}\n';
    const [before, after] = [await run([], text), await run(['--pull-policy'], text)];
    expect(before.stdout.match(/Always/g)).toHaveLength(2);
    expect(after.stdout).toBe(before.stdout.replace('Always', 'IfNotPresent'));
    expect((await run(['--pull-policy', '--tags'], text)).stdout).toContain(
      'newest:latest, imagePullPolicy: Always',
    );
  });

  it('reads files of all kinds in folders, and --write changes only them', async () => {
    write('deploy/a.yaml', pod('nginx:1.27'));
    write('deploy/b.json', '{"kind": "Pod", "spec": {"containers": [{"image": "nginx:1.27"}]}}');
    write('kustomization.yaml', 'images:\n- name: nginx\n  newTag: "1.27"\n');
    write('chart/Chart.yaml', 'name: x\n');
    write('chart/values.yaml', 'image: {repository: nginx, tag: "1.27"}\n');
    write('chart/templates/a.yaml', 'image: {{ .Values.image }}\n');
    write('compose.yaml', 'services: {a: {image: "nginx:1.27"}}\n');
    write('.github/workflows/ci.yml', 'on: push\njobs: {a: {container: "nginx:1.27"}}\n');
    write('Dockerfile', 'FROM nginx:1.27 AS base\nFROM base\n');
    write('node_modules/a/a.yaml', pod('nginx:1.27'));
    write('.hidden/a.yaml', pod('nginx:1.27'));
    write('package.json', '{"image": "nginx:1.27"}');
    write('other.yaml', 'image: nginx:1.27\n');
    chmodSync(join(folder, 'deploy/a.yaml'), 0o640);
    symlinkSync('deploy/a.yaml', join(folder, 'z.yaml'));

    const diff = await run(['.', '--diff']);
    expect(diff.stderr).toBe(
      'chart/templates: left out, since a chart’s templates are not YAML yet: helm template chart | drayage rewrite\n',
    );
    const { code, stdout } = await run(['.', '--write']);
    expect(code).toBe(0);
    expect(stdout.split('\n').sort()).toEqual(
      [
        '',
        '.github/workflows/ci.yml: 1 reference',
        'Dockerfile: 1 reference',
        'chart/values.yaml: 1 reference',
        'compose.yaml: 1 reference',
        'deploy/a.yaml: 1 reference',
        'deploy/b.json: 1 reference',
        'kustomization.yaml: 1 reference',
        'z.yaml: 1 reference',
      ].sort(),
    );
    const { digest } = images.nginx.manifest;
    const repository = mirrorOf('docker.io/library/nginx');
    expect(read('deploy/a.yaml')).toBe(pod(nginx()));
    expect(read('deploy/b.json')).toBe(`{"kind": "Pod", "spec": {"containers": [{"image": "${nginx()}"}]}}`);
    expect(read('kustomization.yaml')).toBe(
      `images:\n- name: nginx\n  newName: ${repository}\n  digest: "${digest}"\n`,
    );
    expect(read('chart/values.yaml')).toBe(`image: {repository: ${repository}, tag: "1.27@${digest}"}\n`);
    expect(read('compose.yaml')).toBe(`services: {a: {image: "${nginx()}"}}\n`);
    expect(read('.github/workflows/ci.yml')).toBe(`on: push\njobs: {a: {container: "${nginx()}"}}\n`);
    expect(read('Dockerfile')).toBe(`FROM ${nginx()} AS base\nFROM base\n`);
    for (const path of ['node_modules/a/a.yaml', '.hidden/a.yaml'])
      expect(read(path)).toBe(pod('nginx:1.27'));
    expect([read('package.json'), read('other.yaml')]).toEqual([
      '{"image": "nginx:1.27"}',
      'image: nginx:1.27\n',
    ]);
    expect(statSync(join(folder, 'deploy/a.yaml')).mode & 0o777).toBe(0o640);
    expect(lstatSync(join(folder, 'z.yaml')).isSymbolicLink()).toBe(true);
  });

  it('--diff prints what git can apply', async () => {
    const lines = Array.from({ length: 40 }, (_, index) => `a${index}: b\n`).join('');
    write('a.yaml', `${pod('nginx:1.27', 'lost:1')}${lines}---\n${pod('ghcr.io/acme/shop:1.0')}`.trimEnd());
    write('kustomization.yaml', 'images:\n- newTag: "1.27"\n  name: nginx');
    const expected = await run(['a.yaml']);
    const { stdout: diff } = await run(['.', '--diff']);
    expect(diff.match(/^@@/gm)).toHaveLength(3);
    execFileSync('git', ['apply', '-'], { cwd: folder, input: diff });
    expect(read('a.yaml')).toBe(expected.stdout);
    expect(read('kustomization.yaml')).toContain(`\n  newName: ${mirrorOf('docker.io/library/nginx')}`);
  });

  it('joins several files of manifests into one stream', async () => {
    write('a.yaml', pod('nginx:1.27').trimEnd());
    write('b.yaml', `---\n${pod('nginx:1.27')}`);
    write('c.yaml', pod('nginx:1.27'));
    const { stdout } = await run(['a.yaml', 'b.yaml', 'c.yaml']);
    expect(stdout).toBe(`${pod(nginx()).trimEnd()}\n---\n${pod(nginx())}---\n${pod(nginx())}`);
    write('Dockerfile', 'FROM nginx:1.27\n');
    expect((await run(['a.yaml', 'Dockerfile'])).code).toBe(2);
  });

  it('writes nothing if anything can’t be read, and says where', async () => {
    write('a.yaml', pod('nginx:1.27'));
    write('b.yaml', 'kind: Pod\nspec:\n  containers: [{image: {{ .x }}}]\n');
    const { code, stdout, stderr } = await run(['.', '--write']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      'drayage: b.yaml:3:24: this is a template and not YAML yet: render it first, for example with helm template\n  nothing was written\n',
    );
    expect(read('a.yaml')).toBe(pod('nginx:1.27'));
    const bytes = await run([], Buffer.from([0x61, 0xff]));
    expect(bytes).toMatchObject({ code: 1, stderr: expect.stringContaining('stdin is not UTF-8') });
    expect(await run(['none.yaml'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no such file'),
    });
  });

  it('asks the API at most twice for 1,000 distinct references', async () => {
    let calls = 0;
    const counter = createServer(async (request, response) => {
      calls++;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = request.method === 'POST' ? { body: Buffer.concat(chunks) } : {};
      const headers = { 'content-type': 'application/json' };
      const method = request.method ?? 'GET';
      const answer = await fetch(`${pipeline.api}${request.url}`, { method, headers, ...body });
      response.writeHead(answer.status, headers).end(await answer.text());
    });
    await new Promise<void>((done) => counter.listen(0, '127.0.0.1', done));
    onTestFinished(() => void counter.close());
    const api = `http://127.0.0.1:${(counter.address() as AddressInfo).port}`;
    const names = Array.from({ length: 999 }, (_, index) => `ghcr.io/acme/app-${index}:1`);
    const text = ['nginx:1.27', ...names, ...names].map((name) => pod(name)).join('---\n');
    const { code, stdout } = await run([], text, { DRAYAGE_API: api });
    expect({ code, calls }).toEqual({ code: 0, calls: 2 });
    expect(stdout).toBe(text.replace('nginx:1.27', nginx()));
    // Nothing to look up, nothing to ask.
    expect(await run([], 'a: b\n', { DRAYAGE_API: api })).toEqual({ code: 0, stdout: 'a: b\n', stderr: '' });
    expect(calls).toBe(2);
  });

  it('is a KRM function', async () => {
    const list = (config: string, image: string, lost: string) =>
      `apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:${config}\nitems:\n- kind: Pod\n  metadata: {name: a}\n  spec: {containers: [{image: ${image}}, {image: ${lost}}]} # c\n`;
    const tags = '\n  kind: ConfigMap\n  data: {tags: "true"}';
    const { code, stdout } = await run(['--krm'], list(tags, 'nginx:1.27', 'lost:1'));
    const result = (severity: string) =>
      `results:\n- {"message":"lost:1 is not mirrored","severity":"${severity}","resourceRef":{"kind":"Pod","name":"a"}}\n`;
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `${list(tags, mirrorOf('docker.io/library/nginx:1.27'), 'lost:1')}${result('warning')}`,
    });
    const fails = '\n  kind: Rewrite\n  spec: {missing: fail}';
    const refused = await run(['--krm'], list(fails, 'nginx:1.27', 'lost:1'));
    expect(refused).toMatchObject({
      code: 3,
      stdout: `${list(fails, 'nginx:1.27', 'lost:1')}${result('error')}`,
    });
    const json =
      '{"kind": "ResourceList", "items": [{"kind": "Pod", "spec": {"containers": [{"image": "lost:1"}]}}]}';
    const { results } = JSON.parse((await run(['--krm'], json)).stdout) as { results: unknown[] };
    expect(results).toHaveLength(1);
    expect(await run(['--krm'], 'kind: Pod\n')).toMatchObject({ code: 1, stdout: '' });
    expect(await run(['--krm'], list('\n  spec: {tag: true}', 'a', 'b'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('functionConfig'),
    });
  });

  it('takes the options of a plugin’s configuration, which its own override', async () => {
    write(
      'plugin.yaml',
      `kind: Rewrite\nspec: {mapping: "${mapping}", tags: true, imagePaths: [Thing=spec.image]}\n`,
    );
    const thing = (image: string) => `kind: Thing\nspec: {image: ${image}}\n`;
    const args = ['--plugin-config', 'plugin.yaml', '--api', ''];
    const tagged = mirrorOf('docker.io/library/nginx:1.27');
    expect(await run(args, thing('nginx:1.27'))).toMatchObject({ code: 0, stdout: thing(tagged) });
    const own = await run(['--image-path', 'Thing=spec.other', ...args], thing('nginx:1.27'));
    expect(own.stdout).toBe(thing('nginx:1.27'));
    write('plugin.yaml', 'spec: {imagePaths: ["a b"]}\n');
    expect(await run(args, '')).toMatchObject({ code: 2, stderr: expect.stringContaining('KIND=path') });
  });

  it.each([
    [['--check', '--diff']],
    [['--json']],
    [['--write']],
    [['--krm', 'a.yaml']],
    [['-', '-']],
    [['--missing', 'what']],
    [['--as', 'what']],
    [['--image-path', 'spec.image']],
    [['--image-path', 'A=a..b']],
  ])('says what is wrong with %j', async (args) => {
    expect(await run(args, '')).toMatchObject({ code: 2, stdout: '' });
  });
});
