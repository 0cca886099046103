import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments, parse as parseYaml } from 'yaml';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';
import { type StandInKubectl, standInKubectl } from '../support/stand-in-programs.ts';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

/** The commands of the page: every line of a block marked as shell. */
const commands = [
  ...readFileSync(join(root, 'docs/clusters.md'), 'utf8').matchAll(/```sh\n(.*?)```/gs),
].flatMap((block) => (block[1] ?? '').trim().split('\n'));

/**
 * All commands of docs/clusters.md run in their order, in one shell, against the embedded stack.
 * kubectl and helm have no cluster here, and aws no account: stand-ins keep what they get.
 */
describe('the commands of docs/clusters.md', () => {
  let pipeline: Pipeline;
  let folder: string;
  let kubectl: StandInKubectl;
  let output: string;
  const image = seededImage({ seed: 'clusters', layers: [{ size: 3_000 }] });
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const calls = (program: string) => read(`bin/${program}.calls`).trim().split('\n');
  const kindsOf = (text: string) =>
    parseAllDocuments(text).flatMap((document) => document.toJS()?.kind ?? []);

  const tokens = () => pipeline.stack.ready.tokens ?? { reader: '', operator: '' };
  const ask = (path: string, token: string, body?: string) =>
    fetch(`${pipeline.api}${path}`, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { method: 'POST', body }),
    });

  beforeAll(async () => {
    pipeline = await startPipeline({ auth: true });
    await pipeline.push('acme/shop', '1.0', image);
    expect((await ask('/v1/mirrors', tokens().operator, '{"images":["ghcr.io/acme/shop:1.0"]}')).status).toBe(
      202,
    );
    folder = mkdtempSync(join(tmpdir(), 'drayage-clusters-'));
    kubectl = standInKubectl(join(folder, 'bin'));
    const launcher = join(root, 'cli/drayage.js');
    program('npx', `shift; exec '${process.execPath}' '${launcher}' "$@"`);
    program('helm', `echo "$@" >> '${folder}/bin/helm.calls'`);
    program(
      'aws',
      `echo "$@" >> '${folder}/bin/aws.calls'\ncase "$*" in *describe*) printf 'mirror/a\\tmirror/b\\n';; esac`,
    );
    const manifest =
      'apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec: {containers: [{name: a, image: "ghcr.io/acme/shop:1.0"}]}\n';
    writeFileSync(join(folder, 'deploy.yaml'), manifest);
    mkdirSync(join(folder, 'overlay'));
    writeFileSync(join(folder, 'overlay/pod.yaml'), manifest);
    writeFileSync(
      join(folder, 'overlay/kustomization.yaml'),
      'resources: [pod.yaml]\ncomponents: [../drayage]\n',
    );
    mkdirSync(join(folder, 'drayage'));
    await run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
      ...['-subj', '/CN=test', '-keyout', join(folder, 'ca.key'), '-out', join(folder, 'ca.crt')],
    ]);
  });
  afterAll(async () => {
    await pipeline[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  function program(name: string, body: string): void {
    writeFileSync(join(folder, 'bin', name), `#!/bin/bash\nset -eu\n${body}\n`);
    chmodSync(join(folder, 'bin', name), 0o755);
  }

  it('run to their end', async () => {
    await expect
      .poll(async () => await (await ask('/v1/exports/csv', tokens().reader)).text(), { timeout: 30_000 })
      .toContain('ghcr.io/acme/shop');
    const { reader, operator } = tokens();
    const env = {
      ...process.env,
      API: pipeline.api,
      TOKEN: reader,
      OPERATOR_TOKEN: operator,
      AWS_REGION: '',
    };
    // The embedded API has no https, which the apiserver insists on.
    const lines = commands.map((line) =>
      line.includes('admission-webhook -o') ? `${line} --reached-at https://api.example` : line,
    );
    const script = ['set -eo pipefail', kubectl.path, ...lines].join('\n');
    output = (await run('bash', ['-c', script], { env, cwd: folder })).stdout;
  }, 300_000);

  it('discover what runs, and what is not covered', () => {
    expect(output).toContain('discovered.yaml is valid: 2 upstreams, 2 rules');
    expect(output).toContain('covers 2 of 2 images (100 %)');
    expect(output).toContain('mirrored, but named by the upstream');
    // nginx has not been mirrored.
    expect(output).toContain('something is not covered, or not mirrored yet');
  });

  it('apply objects of the kinds that they are about', () => {
    const applied = kubectl.applied().map(kindsOf);
    expect(applied.map((kinds) => kinds.find((kind) => expected.includes(kind)))).toEqual(expected);
  });
  const expected = [
    'MutatingAdmissionPolicy',
    'MutatingWebhookConfiguration',
    'Deployment',
    'Pod',
    'GlobalContextEntry',
    'Provider',
    'ImageDigestMirrorSet',
    'DaemonSet',
  ];

  it('turn the rewriting off', () => {
    expect(kubectl.calls()).toContain('label namespace shop drayage.dev/rewrite=disabled');
  });

  it('print files that have the mirror in them', () => {
    const { registry } = pipeline.stack.ready;
    expect(read('policy-literals.yaml')).toContain(image.manifest.digest);
    expect(read('deploy.yaml')).toContain(`${registry}/mirror/ghcr.io/acme/shop@${image.manifest.digest}`);
    expect(output).toContain(`image: ${registry}/mirror/ghcr.io/acme/shop@${image.manifest.digest}`);
    expect(read('50-drayage.conf')).toContain(`${registry}/mirror/ghcr.io/acme/shop`);
    expect(read('certs.d/ghcr.io/hosts.toml')).toContain(registry);
    expect(read('webhook.yaml')).toContain('https://api.example/v1/admission/');
  });

  it('set values that the chart has', () => {
    const values = parseYaml(readFileSync(join(root, 'charts/drayage/values.yaml'), 'utf8'));
    const keys = [...(calls('helm')[0] ?? '').matchAll(/--set ([\w.]+)=/g)].map(([, key]) => key ?? '');
    expect(keys).toHaveLength(3);
    for (const key of keys)
      expect(
        key.split('.').reduce((value, part) => value?.[part], values),
        key,
      ).toBeDefined();
  });

  it('give each repository of the mirror its policy', () => {
    expect(
      calls('aws')
        .slice(1)
        .map((call) => /--repository-name (\S+)/.exec(call)?.[1]),
    ).toEqual(['mirror/a', 'mirror/b']);
  });
});
