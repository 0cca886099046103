import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Config } from '../../core/config/config.ts';
import { deriveSecret } from '../../core/webhooks/secrets/secrets.ts';
import { startDrayageLocal } from '../support/drayage.ts';
import { type Pipeline, pipelineConfig, startPipeline } from '../support/pipeline.ts';
import { pushImage, seededImage, seededIndex } from '../support/seeded-image.ts';
import { type StandInKubectl, standInKubectl } from '../support/stand-in-programs.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const run = promisify(execFile);

/** The commands of the README: every line of a block marked as shell. */
const commands = [...read('README.md').matchAll(/```sh\n(.*?)```/gs)].flatMap((block) =>
  (block[1] ?? '').trim().split('\n'),
);

/** Commands that another suite or a step of the gate runs as they are, and where. */
const runElsewhere: Record<string, string> = {
  'npm ci && npm run demo': 'test/demo/demo.test.ts',
  'npm ci && npm test': '.ci/run',
  'npx cdk synth --quiet': 'package.json',
  'npx cdk bootstrap': 'test/deploy/cdk.ts',
  'npx cdk deploy': 'test/deploy/cdk.ts',
};

/**
 * The rules of the first upstream have `retention`, for `drayage prune`, and none names a
 * repository that is not there, which `drayage reconcile` would report.
 */
function configure(endpoint: string): Config {
  const config = pipelineConfig(endpoint);
  const [upstream, ...others] = config.upstreams;
  if (!upstream) throw new Error('no upstream');
  const retention = { keepNewest: 20, unmappedForSeconds: 30 * 86_400 };
  const repositories = upstream.repositories
    .filter(({ match }) => match.includes('*'))
    .map((rule) => ({ ...rule, retention }));
  return { ...config, upstreams: [{ ...upstream, repositories }, ...others] };
}

describe('the commands of the README', () => {
  let pipeline: Pipeline;
  let folder: string;
  let kubectl: StandInKubectl;
  const ran = new Set<string>();
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-readme-'));
    kubectl = standInKubectl(join(folder, 'bin'));
    cpSync(join(root, 'mirror.yaml'), join(folder, 'mirror.yaml'));
    pipeline = await startPipeline({ auth: true, configure });
  });
  afterAll(async () => {
    await pipeline[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /**
   * Runs the lines with this beginning in a shell, after `before`, and notes that they were run.
   */
  async function shell(beginning: RegExp, before = '', change = (line: string) => line): Promise<string[]> {
    const lines = commands.filter((line) => beginning.test(line));
    expect(lines, `the README shows ${beginning}`).not.toEqual([]);
    const { reader = '', operator = '' } = pipeline.stack.ready.tokens ?? {};
    const environment = { API: pipeline.api, TOKEN: reader, OPERATOR_TOKEN: operator };
    const outputs: string[] = [];
    for (const line of lines) {
      ran.add(line);
      const script = `set -eo pipefail\n${before}\n${change(line)}`;
      const options = { env: { ...process.env, ...environment }, cwd: root };
      outputs.push((await run('bash', ['-c', script], options)).stdout.trim());
    }
    return outputs;
  }

  it('drayage init', async () => {
    const file = join(folder, 'my-mirror.yaml');
    await shell(/^npx drayage init/, '', (line) => line.replace('my-mirror.yaml', file));
    const { stdout } = await run('npx', ['drayage', 'validate', '--config', file], { cwd: root });
    expect(stdout).toContain('ghcr.io');
    expect(stdout).toContain('is valid: 2 upstreams, 2 rules');
  });

  it('drayage discover, from the pods and nodes that kubectl prints', async () => {
    const file = join(folder, 'discovered.yaml');
    await shell(/^kubectl .* drayage discover >/, kubectl.path, (line) =>
      line.replace('discovered.yaml', file),
    );
    expect(readFileSync(file, 'utf8')).toContain('# 2 pods: 1.0');
    const { stdout } = await run('npx', ['drayage', 'validate', '--config', file], { cwd: root });
    expect(stdout).toContain('is valid: 2 upstreams, 2 rules');
  });

  it('drayage validate', async () => {
    expect(await shell(/^npx drayage validate/)).toEqual([expect.stringContaining('mirror.yaml is valid')]);
  });

  it('drayage local', async () => {
    const line = commands.find((command) => command.startsWith('npx drayage local')) ?? '';
    ran.add(line);
    const args = line
      .split(' ')
      .slice(3)
      .map((arg) => (arg === '8080' ? '0' : arg === './drayage-data' ? join(folder, 'data') : arg));
    await using local = await startDrayageLocal(args);
    expect(Object.keys(local.ready.webhooks).sort()).toEqual(['github', 'hub', 'registry']);
    expect(await local.end('SIGINT')).toBe(0);
  });

  it('drayage copy, between registries on this machine', async () => {
    const index = seededIndex({ seed: 'readme', layers: [{ size: 3_000 }] });
    await pushImage(pipeline.upstream.endpoint, 'library/alpine', '3.22', index);
    const { host } = pipeline.upstream;
    const [planned, one = '', all] = await shell(/^npx drayage copy/, '', (line) =>
      `${line} --plain-http`.replace('docker.io', host).replace('localhost:5000/alpine', `${host}/copy`),
    );
    expect(planned).toContain('nothing was written');
    expect(JSON.parse(one)).toMatchObject({ sourceDigest: index.manifest.digest });
    expect(all).toContain(`3.22  ${index.manifest.digest}  copied`);
  });

  it('drayage plan and sync, between registries on this machine', async () => {
    const index = seededIndex({ seed: 'readme sync', layers: [{ size: 3_000 }] });
    const { host, endpoint } = pipeline.upstream;
    await pushImage(endpoint, 'library/sync', '1.0', index);
    const [file, mapping] = [join(folder, 'sync.yaml'), join(folder, 'mapping.json')];
    const rules = [{ match: 'library/sync' }];
    const upstreams = [{ registry: 'docker.io', endpoint, repositories: rules }];
    writeFileSync(file, JSON.stringify({ version: 1, mirror: { regions: ['eu-west-1'] }, upstreams }));
    const change = (line: string) =>
      line.replace('my-mirror.yaml', file).replace('mapping.json', mapping).replace('localhost:5000', host);
    const [plan] = await shell(/^npx drayage plan/, '', change);
    expect(plan).toMatch(/^docker.io\/library\/sync +1 of 1 +1 +0 /m);
    const [planned, copied] = await shell(/^npx drayage sync/, '', change);
    expect(planned).toContain('nothing was written');
    expect(copied).toMatch(new RegExp(`docker.io/library/sync:1.0 +copied .*${index.manifest.digest}`));
    expect(JSON.parse(readFileSync(mapping, 'utf8'))).toMatchObject({
      mappings: [{ mirror: `${host}/mirror/docker.io/library/sync:1.0`, digest: index.manifest.digest }],
    });
  });

  it('curl asks the mapping API', async () => {
    const image = seededImage({ seed: 'readme shop', layers: [{ size: 3_000 }] });
    await pipeline.push('acme/shop', '1.0', image);
    const outputs = await shell(/^curl .*\/v1\/(jobs|mirrors)/);
    const { jobs } = JSON.parse(outputs.at(-1) ?? '') as { jobs: { id: string }[] };
    expect(jobs).toHaveLength(1);
    await expect
      .poll(() => pipeline.stack.registry.tag('mirror/ghcr.io/acme/shop', '1.0'), { timeout: 10_000 })
      .toBe(image.manifest.digest);
    await expect
      .poll(async () => (await shell(/^curl .*mappings\?image=.*[^r]$/))[0], { timeout: 10_000 })
      .toContain(`"digest":"${image.manifest.digest}"`);
    const [list, resolved] = await shell(/^curl .*mappings(\?registry|\/resolve)/);
    expect(JSON.parse(list ?? '')).toMatchObject({ mappings: [{ image: 'ghcr.io/acme/shop:1.0' }] });
    expect(JSON.parse(resolved ?? '')).toMatchObject({
      mappings: { 'ghcr.io/acme/shop:1.0': expect.anything() },
    });
    expect(await shell(/^curl .*jq -r \.pinned$/)).toEqual([
      expect.stringContaining(`@${image.manifest.digest}`),
    ]);
  });

  it('the commands for a deployment, with its settings from the environment', async () => {
    const image = seededImage({ seed: 'readme commands', layers: [{ size: 3_000 }] });
    await pipeline.push('acme/shop', '1.0', image);
    const environment = 'export DRAYAGE_API="$API" DRAYAGE_TOKEN="$OPERATOR_TOKEN"';
    const [mirrored, found, pinned, failed, redriven, status, top] = await shell(
      /^npx drayage (mirror|lookup|jobs|redrive|status|top)/,
      environment,
    );
    expect(mirrored).toContain(`ghcr.io/acme/shop:1.0  committed  ${image.manifest.digest}`);
    const { registry } = pipeline.stack.ready;
    expect(found).toBe(`${registry}/mirror/ghcr.io/acme/shop:1.0`);
    expect(pinned).toBe(`${registry}/mirror/ghcr.io/acme/shop@${image.manifest.digest}`);
    expect(failed).toBe('');
    expect(redriven).toBe('');
    expect(status).toContain(`mirror    eu-west-1  ${registry}`);
    expect(top).toMatch(/^jobs copying=0 queued=0 /m);
    const [manifest, rewritten] = ['deploy.yaml', 'mirrored.yaml'].map((name) => join(folder, name));
    writeFileSync(
      manifest ?? '',
      'kind: Pod\nspec: {containers: [{image: "ghcr.io/acme/shop:1.0"}]} # shop\n',
    );
    const [diff, checked] = await shell(/^npx drayage rewrite/, environment, (line) =>
      line.replace('deploy.yaml', manifest ?? '').replace('mirrored.yaml', rewritten ?? ''),
    );
    expect(diff).toContain(`+spec: {containers: [{image: "${pinned}"}]} # shop`);
    expect(checked).toBe('');
    expect(readFileSync(rewritten ?? '', 'utf8')).toContain(`image: "${pinned}"`);
    expect(
      await shell(/^source <\(npx drayage completion/, environment, (line) => `${line}\ncomplete -p drayage`),
    ).toEqual(['complete -F _drayage drayage']);
  });

  it('drayage reconcile and prune, while the schedule runs the functions', async () => {
    const { reconcile, retention } = pipeline.stack.functions;
    const environment = 'export DRAYAGE_API="$API" DRAYAGE_TOKEN="$OPERATOR_TOKEN"';
    const ended = new AbortController();
    const schedule = (async () => {
      while (!ended.signal.aborted) {
        const event = { time: new Date().toISOString() };
        await Promise.all([reconcile.invoke(event), retention.invoke(event)]);
        await sleep(300);
      }
    })();
    try {
      const [told, compared] = await shell(/^npx drayage reconcile/, environment);
      expect(told).toMatch(/^ghcr.io: \d+ repositor/m);
      expect(compared).toMatch(/^ghcr.io {2}compared: /m);
      // Nothing has been without a mapping for long enough.
      expect(await shell(/^npx drayage prune/, environment)).toEqual(['', '']);
    } finally {
      ended.abort();
      await schedule;
    }
  });

  it('drayage export admission-policy, kubectl, and what is covered', async () => {
    const environment = `${kubectl.path}\nexport DRAYAGE_API="$API" DRAYAGE_TOKEN="$TOKEN"`;
    await shell(/^(npx drayage export|kubectl -n)/, environment);
    const [policy = '', ...others] = kubectl.applied();
    const kinds = parseAllDocuments(policy).map((document) => document.toJS()?.kind);
    expect(kinds).toEqual(
      expect.arrayContaining(['CustomResourceDefinition', 'MutatingAdmissionPolicy', 'CronJob']),
    );
    expect(others).toEqual([]);
    const file = join(folder, 'covered.yaml');
    writeFileSync(
      file,
      JSON.stringify({
        version: 1,
        mirror: { regions: ['eu-west-1'] },
        upstreams: [{ registry: 'ghcr.io', repositories: [{ match: 'acme/shop' }] }],
      }),
    );
    const [checked] = await shell(
      /^kubectl .* --check/,
      environment,
      (line) => `${line.replace('my-mirror.yaml', file)} || [ $? = 3 ]`,
    );
    expect(checked).toContain('covers 1 of 2 images (50 %)');
    expect(checked).toContain('mirrored, but named by the upstream');
  });

  it('curl exports the mapping, and takes a tag back', async () => {
    const { digest } = seededImage({ seed: 'readme shop', layers: [{ size: 3_000 }] }).manifest;
    await expect
      .poll(async () => (await shell(/^curl .*\/v1\/exports\/json/))[0], { timeout: 10_000 })
      .toContain('"image":"ghcr.io/acme/shop:1.0"');
    const [history, rolledBack] = await shell(/^curl .*mappings\/(history|rollback)/, '', (line) =>
      line.replace(/sha256:[0-9a-f]+…/, digest),
    );
    expect(JSON.parse(history ?? '').history.map((one: { digest: string }) => one.digest)).toContain(digest);
    const mapped = async () =>
      JSON.parse((await shell(/^curl .*mappings\?image=.*[^r]$/))[0] ?? '') as Record<string, unknown>;
    expect(JSON.parse(rolledBack ?? '').jobs).toMatchObject([{ trigger: 'rollback' }]);
    await expect.poll(mapped, { timeout: 10_000 }).toMatchObject({ digest, pin: true });
    await shell(/^curl .*mappings\/unpin/);
    await expect.poll(mapped, { timeout: 10_000 }).toMatchObject({ pin: false });
  });

  it('drayage webhooks, with its settings from the environment', async () => {
    // GitHub according to its published API; the organisation is that of the rules.
    const hooks: unknown[] = [];
    const github = createServer((request, response) => {
      if (request.method === 'POST') hooks.push(request.url);
      response.writeHead(request.method === 'POST' ? 201 : 200, { 'content-type': 'application/json' });
      response.end(request.method === 'POST' ? '{"id":1}' : '[]');
    });
    await new Promise<void>((listening) => github.listen(0, '127.0.0.1', listening));
    try {
      const [environment = ''] = commands.filter((line) => line.startsWith('export DRAYAGE_API'));
      ran.add(environment);
      const endpoint = `--endpoint http://127.0.0.1:${(github.address() as AddressInfo).port}`;
      const [list, one, planned, entered, tested, rotated] = await shell(
        /^npx drayage webhooks/,
        `${environment}\nexport DRAYAGE_UPSTREAM_TOKEN=t`,
        (line) => (line.includes(' register ') ? `${line} ${endpoint}` : line),
      );
      const secret = pipeline.stack.ready.webhooks.github?.secret;
      expect(list).toContain('ghcr.io');
      expect(list).not.toContain(secret);
      expect(one).toContain(secret);
      expect(planned).toContain('acme');
      expect(entered).toContain('acme');
      expect(hooks).toEqual(['/orgs/acme/hooks']);
      expect(tested).toContain('ghcr.io/acme/shop:1.0');
      expect(rotated).not.toContain(secret);
    } finally {
      github.close();
      github.closeAllConnections();
    }
  });

  it('openssl derives the tokens as the functions do', async () => {
    const block = commands.filter((line) => /^(derive|root=)/.test(line));
    for (const line of block) ran.add(line);
    const secret = JSON.stringify({ root: 'a root of 64 characters' });
    const { stdout } = await run('bash', ['-c', `aws() { printf %s '${secret}'; }\n${block.join('\n')}`]);
    expect(stdout.trim()).toBe(deriveSecret('a root of 64 characters', 'token:reader'));
  });

  it('and no others', () => {
    for (const [command, file] of Object.entries(runElsewhere)) {
      const essence =
        command
          .replace(/^(npx|npm ci &&) /, '')
          .replace(/^(npm run|cdk) /, '')
          .split(' ')[0] ?? '';
      expect(read(file), `${file} runs ${command}`).toContain(essence);
    }
    const known = new Set([...ran, ...Object.keys(runElsewhere)]);
    expect(commands.filter((command) => !known.has(command))).toEqual([]);
  });
});
