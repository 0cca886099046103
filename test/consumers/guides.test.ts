import { execFile } from 'node:child_process';
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../core/config/config.ts';
import { type Pipeline, pipelineConfig, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';
import { standInKubectl } from '../support/stand-in-programs.ts';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
const pages = ['deploy', 'multi-account', 'backup', 'upgrade', 'uninstall'];

/** Every line of a block marked as shell. */
function commandsOf(page: string): string[] {
  const text = readFileSync(join(root, `docs/${page}.md`), 'utf8');
  return [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap((block) => (block[1] ?? '').trim().split('\n'));
}

/** No rule names a repository that is not there, which `drayage reconcile` would report. */
function configure(endpoint: string): Config {
  const config = pipelineConfig(endpoint);
  const upstreams = config.upstreams.map(({ repositories, ...upstream }) => ({
    ...upstream,
    repositories: repositories.filter(({ match }) => match.includes('*')),
  }));
  return { ...config, upstreams };
}

/**
 * All commands of the pages run in their order, each page in one shell, against the embedded stack.
 * aws, cdk, docker and git have no account, registry or repository here: stand-ins keep what they
 * get. `test/deploy` deploys for real, into an emulator.
 */
describe('the commands of the guides', () => {
  const image = seededImage({ seed: 'guides', layers: [{ size: 3_000 }] });
  let pipeline: Pipeline;
  let folder: string;
  let env: NodeJS.ProcessEnv;
  const outputs = new Map<string, string>();
  const ended = new AbortController();
  let schedule: Promise<void>;
  const calls = (program: string) =>
    readFileSync(join(folder, 'bin', `${program}.calls`), 'utf8')
      .trim()
      .split('\n');

  function program(name: string, body: string): void {
    const file = join(folder, 'bin', name);
    writeFileSync(file, `#!/bin/bash\nset -eu\necho "$@" >> '${file}.calls'\n${body}\n`);
    chmodSync(file, 0o755);
  }

  beforeAll(async () => {
    pipeline = await startPipeline({ auth: true, configure });
    await pipeline.push('acme/shop', '1.0', image);
    folder = mkdtempSync(join(tmpdir(), 'drayage-guides-'));
    mkdirSync(join(folder, 'bin'));
    standInKubectl(join(folder, 'pods'));
    const { environment } = pipeline.stack;
    const secrets = new SecretsManagerClient({
      region: 'eu-west-1',
      endpoint: environment.AWS_ENDPOINT_URL_SECRETS_MANAGER ?? '',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const { SecretString = '' } = await secrets.send(
      new GetSecretValueCommand({ SecretId: environment.DRAYAGE_API_SECRET ?? '' }),
    );
    secrets.destroy();
    const stackOutputs = { Drayage: { ApiUrl: pipeline.api, ApiSecretArn: 'arn:api-secret' } };
    const launcher = `'${process.execPath}' '${join(root, 'cli/drayage.js')}'`;
    program(
      'npx',
      `case "$1" in
  drayage) shift; exec ${launcher} "$@" ;;
  cdk) shift; exec cdk "$@" ;;
esac
exit 1`,
    );
    program(
      'cdk',
      `[[ "$*" =~ --context\\ config=([^ ]+) ]] || exit 1
${launcher} validate --config "\${BASH_REMATCH[1]}" >/dev/null
case "$*" in *"--outputs-file "*) echo '${JSON.stringify(stackOutputs)}' > "\${@: -1}" ;; esac`,
    );
    program(
      'aws',
      `case "$*" in
  *get-secret-value*) printf %s '${SecretString}' ;;
  *get-login-password*) echo password ;;
  *describe-repositories*) printf 'mirror/a\\tmirror/b\\n' ;;
  *list-stack-resources*) echo drayage-snapshots ;;
esac`,
    );
    program('git', 'if [ "$1" = clone ]; then mkdir -p drayage; fi');
    program('npm', '[ "$*" = ci ]');
    program('docker', 'case "$1" in login) cat >/dev/null ;; esac');
    program(
      'kubectl',
      `case "$*" in
  "get pods -A -o json") cat '${folder}/pods/pods.json' ;;
  "delete "*"-f -") cat > '${folder}/deleted.yaml' ;;
  *) exit 1 ;;
esac`,
    );
    const { reader = '', operator = '' } = pipeline.stack.ready.tokens ?? {};
    env = {
      ...process.env,
      API: pipeline.api,
      TOKEN: reader,
      DRAYAGE_API: pipeline.api,
      DRAYAGE_TOKEN: operator,
      TABLE: 'drayage-table',
      API_SECRET_ARN: 'arn:api-secret',
      WEBHOOK_SECRET_ARN: 'arn:webhook-secret',
    };
    schedule = (async () => {
      while (!ended.signal.aborted) {
        await pipeline.stack.functions.reconcile.invoke({ time: new Date().toISOString() });
        await sleep(300);
      }
    })();
  });
  afterAll(async () => {
    ended.abort();
    await schedule;
    await pipeline[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(pages)('of docs/%s.md run to their end', async (page) => {
    const lines = commandsOf(page);
    expect(lines.length).toBeGreaterThan(1);
    // A page after the first one has the file that the first one wrote.
    const cwd = page === 'deploy' ? folder : join(folder, 'drayage');
    // Here, since a shell's own start-up file (BASH_ENV) may put other programs first.
    const path = `export PATH='${join(folder, 'bin')}':"$PATH"`;
    const script = [path, 'set -eo pipefail', ...lines].join('\n');
    outputs.set(page, (await run('bash', ['-c', script], { env, cwd })).stdout);
  });

  it('lead from a new account to the first image, whose name and digest are printed', () => {
    const { registry } = pipeline.stack.ready;
    const pinned = `${registry}/mirror/ghcr.io/acme/shop@${image.manifest.digest}`;
    expect(outputs.get('deploy')).toContain('my-mirror.yaml is valid');
    expect(outputs.get('deploy')).toContain(`ghcr.io/acme/shop:1.0  committed  ${image.manifest.digest}`);
    expect(calls('docker')).toEqual([`login --username AWS --password-stdin ${registry}`, `pull ${pinned}`]);
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(calls('git')[0]).toBe(
      `clone --branch v${version} --depth 1 https://github.com/drayage/drayage.git`,
    );
  });

  it('export the mapping, and delete what the policy consists of', () => {
    expect(readFileSync(join(folder, 'drayage/mapping.json'), 'utf8')).toContain('ghcr.io/acme/shop:1.0');
    expect(readFileSync(join(folder, 'deleted.yaml'), 'utf8')).toMatch(/kind: MutatingAdmissionPolicy/);
  });

  it('delete each repository of the mirror, only what the prefix names', () => {
    const deleted = calls('aws').filter((call) => call.startsWith('ecr delete-repository'));
    expect(deleted.map((call) => call.split(' ')[3])).toEqual(['mirror/a', 'mirror/b']);
    expect(calls('aws').filter((call) => call.includes('describe-repositories'))).toEqual([
      expect.stringContaining("starts_with(repositoryName, 'mirror/')"),
    ]);
  });

  it('use options that the CDK has', async () => {
    const cdk = join(root, 'node_modules/.bin/cdk');
    const used = new Map<string, Set<string>>();
    for (const [command = '', ...args] of calls('cdk').map((call) => call.split(' ')))
      for (const option of args.filter((arg) => arg.startsWith('--')))
        used.set(command, (used.get(command) ?? new Set()).add(option));
    expect([...used.keys()].sort()).toEqual(['bootstrap', 'deploy', 'destroy', 'diff']);
    for (const [command, options] of used) {
      const { stdout } = await run(cdk, [command, '--help']);
      for (const option of options) expect(stdout, `cdk ${command}`).toMatch(new RegExp(`${option}\\b`));
    }
  });

  it('use operations and options that AWS has', () => {
    const clients: Record<string, string> = {
      dynamodb: 'dynamodb',
      ecr: 'ecr',
      secretsmanager: 'secrets-manager',
      sts: 'sts',
    };
    /** What the CLI has besides the operations of the service. */
    const ofTheCli = /^(dynamodb wait|ecr get-login-password|s3 rb|cloudformation list-stack-resources)\b/;
    const general = ['query', 'output', 'region'];
    const pascal = (text: string) => text.replace(/(?:^|-)([a-z])/g, (_all, letter) => letter.toUpperCase());
    const checked: string[] = [];
    for (const call of calls('aws').filter((one) => !ofTheCli.test(one))) {
      const [service = '', operation = '', ...args] = call.split(' ');
      const types = join(root, 'node_modules/@aws-sdk', `client-${clients[service]}`, 'dist-types');
      const text = (pattern: string) =>
        globSync(pattern, { cwd: types }).map((file) => readFileSync(join(types, file), 'utf8'));
      expect(text(`commands/${pascal(operation)}Command.d.ts`), call).toHaveLength(1);
      const [input] = text('models/models_0.d.ts').flatMap(
        (models) =>
          new RegExp(`interface ${pascal(operation)}(?:Request|Input) \\{.*?\\n\\}`, 's').exec(models) ?? [],
      );
      for (const arg of args.filter((one) => one.startsWith('--'))) {
        const name = arg.replace(/^--(no-)?/, '');
        if (general.includes(name)) continue;
        expect(input, call).toMatch(new RegExp(`\\b${pascal(name)}\\??:`, 'i'));
        checked.push(name);
      }
    }
    expect(checked.length).toBeGreaterThan(20);
  });

  it('are linked by pages that exist', () => {
    const missing: string[] = [];
    for (const page of [...pages, 'constructs', 'compare']) {
      const text = readFileSync(join(root, `docs/${page}.md`), 'utf8');
      for (const [, link = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g))
        if (globSync(link, { cwd: join(root, 'docs') }).length === 0) missing.push(`${page}: ${link}`);
    }
    expect(missing).toEqual([]);
  });
});
