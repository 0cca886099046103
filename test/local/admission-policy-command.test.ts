import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { drayage } from '../support/drayage.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { podMappings, podMirrorPrefix } from '../support/pods/mappings.ts';
import { seededImage } from '../support/seeded-image.ts';

interface Printed {
  kind: string;
  metadata: { name: string };
  spec: { variables: { name: string; expression: string }[]; repositories: Record<string, string> };
}

const printed = (text: string) => parseAllDocuments(text).map((each) => each.toJS() as Printed);
const expressionOf = (text: string, name: string) =>
  printed(text)
    .flatMap(({ spec }) => spec?.variables ?? [])
    .find((each) => each.name === name)?.expression;

describe('drayage export admission-policy', () => {
  let pipeline: Pipeline;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-policy-'));
    writeFileSync(join(folder, 'mapping.json'), JSON.stringify({ version: 1, mappings: podMappings() }));
    pipeline = await startPipeline();
    await pipeline.mirror('acme/app', '1', seededImage({ seed: 'policy', layers: [{ size: 1_000 }] }));
    // The snapshot has it within two seconds, more on a busy machine.
    for (const until = Date.now() + 20_000; Date.now() < until; await sleep(50))
      if ((await (await pipeline.get('/v1/exports/json')).text()).includes('acme/app:1')) return;
  });
  afterAll(async () => {
    await pipeline[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (...args: string[]) =>
    drayage(['export', 'admission-policy', ...args], { cwd: folder, env: { PATH: process.env.PATH } });
  const file = ['--mapping', 'mapping.json'];

  it('learns from the API where the mirror is', async () => {
    const { code, stdout, stderr } = await run('--api', `${pipeline.api}/`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const mapping = await pipeline.mapping('ghcr.io/acme/app:1');
    const prefix = mapping?.mirror.replace('ghcr.io/acme/app:1', '');
    expect(expressionOf(stdout, 'mirror')).toBe(`'${prefix}'`);
    expect(stdout).toContain(`value: ${pipeline.api}/v1/exports/imagemirror\n`);
  });

  it('reads the mapping from the API, or from a file', async () => {
    const fromApi = await run('--literals', '--api', pipeline.api);
    expect(expressionOf(fromApi.stdout, 'table1')).toMatch(/^\{'ghcr\.io\/acme\/app': '[^']+,1=sha256:/);
    const fromFile = await run('--literals', ...file, '-o', 'policy.yaml');
    expect({ ...fromFile }).toEqual({ code: 0, stdout: '', stderr: '' });
    const text = readFileSync(join(folder, 'policy.yaml'), 'utf8');
    expect(expressionOf(text, 'table1')).toContain("'docker.io/library/nginx'");
  });

  it('asks nobody if it knows everything', async () => {
    const { code, stdout } = await run('--api', 'https://api.example', '--mirror', 'r.example:5000/m/x');
    expect(code).toBe(0);
    expect(expressionOf(stdout, 'mirror')).toBe("'r.example:5000/m/x/'");
  });

  it('finds the mirror in a file, and its place for a registry', async () => {
    const { stdout } = await run('--api', 'https://api.example', ...file, '--fallback', 'quay.io');
    expect(expressionOf(stdout, 'mirror')).toBe(`'${podMirrorPrefix}/'`);
    expect(expressionOf(stdout, 'hosts')).toContain(`{'quay.io': '${podMirrorPrefix}/quay.io'}`);
  });

  it('prints the objects that the API has, too', async () => {
    const { stdout } = await drayage(['export', 'imagemirror', '--api', pipeline.api]);
    expect(stdout).toBe(await (await pipeline.get('/v1/exports/imagemirror')).text());
    expect(Object.keys(printed(stdout)[0]?.spec.repositories ?? {})).toEqual(['ghcr.io/acme/app']);
  });

  it.each([
    [['--mirror', 'https://r.example/m'], 'is not a registry and a prefix of repositories'],
    [['--mirror', 'r.example'], 'is not a registry and a prefix of repositories'],
    [['--mirror', 'r.example/m/'], 'is not a registry and a prefix of repositories'],
    [['--mirror', "r.example/m' + '"], 'is not a registry and a prefix of repositories'],
    [['--fallback', 'library'], '"library" is not a registry such as docker.io'],
    [['--fallback', 'docker.io='], 'is not a registry and a prefix of repositories'],
    [['--fallback', 'a.io=b.io/x', '--fallback', 'a.io'], 'a.io is there twice'],
    [['--namespace', 'Shop'], '"Shop" is not a namespace'],
    [['--namespace', 'kube-system'], 'pods in kube-system are never rewritten'],
    [['--exclude-namespace', 'a,b'], '"a,b" is not a namespace'],
    [['--schedule', '* * * *'], 'write five fields'],
    [['--literals', '--schedule', '* * * * *'], '--schedule is for the CronJob'],
    [['--literals', '--sync-image', 'curl:8'], '--sync-image is for the CronJob'],
    [['--schedule', '@reboot'], 'write five fields'],
    [['--sync-image', 'curl:'], 'invalid image reference'],
    [['--region', 'eu west'], 'is not a region such as eu-west-1'],
    [['--api', 'api.example'], '--api takes an address'],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await run('--api', 'https://api.example', ...file, ...args);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('says what is missing', async () => {
    expect((await run()).stderr).toContain('where does the CronJob find the API?');
    expect((await run('--literals')).stderr).toContain('where is the API?');
    writeFileSync(join(folder, 'empty.json'), '{"version":1,"mappings":[]}');
    const empty = await run('--api', 'https://api.example', '--mapping', 'empty.json');
    expect(empty).toMatchObject({ code: 1, stdout: '' });
    expect(empty.stderr).toContain(
      'no mapping says where the mirror keeps its images\n  name it with --mirror',
    );
    const nothing = await run('--literals', ...file, '--region', 'us-east-1');
    expect(nothing).toMatchObject({ code: 1, stdout: '' });
    expect(nothing.stderr).toContain('nothing is mirrored in us-east-1');
  });
});
