import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CURRENT_VERSION_EXPIRED_FLAGS as expired, FLAGS } from 'aws-cdk-lib/cx-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../lib/function-bundle.ts';
import { smallConfig } from './mirror-template.ts';

const run = promisify(execFile);
const cdkJson: { context: Record<string, unknown> } = JSON.parse(
  readFileSync(join(packageRoot, 'cdk.json'), 'utf8'),
);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-app-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the app as the CDK's command line does, without bundling and without any AWS settings. */
async function app(options: {
  context?: Record<string, unknown>;
  env?: Record<string, string>;
  cwd?: string;
}) {
  const program = join(packageRoot, 'bin/drayage.ts');
  const env = {
    CDK_OUTDIR: join(folder, 'out'),
    CDK_CONTEXT_JSON: JSON.stringify({ 'aws:cdk:bundling-stacks': [], ...options.context }),
    CDK_VALIDATION: 'false', // CloudFormation's own rules, which take seconds to load
    ...options.env,
  };
  try {
    const { stderr } = await run(process.execPath, [program], { env, cwd: options.cwd ?? packageRoot });
    return { exitCode: 0, stderr };
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    return { exitCode: code, stderr };
  }
}

const read = (file: string) => JSON.parse(readFileSync(join(folder, 'out', file), 'utf8'));

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe('the CDK app', () => {
  it('reads ./mirror.yaml and its region, and fits every account', async () => {
    write('mirror.yaml', smallConfig.replace('eu-west-1', 'eu-central-1'));
    expect(await app({ cwd: folder })).toEqual({ exitCode: 0, stderr: '' });
    expect(read('manifest.json').artifacts.Drayage.environment).toBe('aws://unknown-account/eu-central-1');
    expect(JSON.stringify(read('Drayage.template.json'))).toContain('"Ref":"AWS::AccountId"');
  });

  it('uses the account of the credentials if there are any', async () => {
    const env = { DRAYAGE_CONFIG: write('a.yaml', smallConfig), CDK_DEFAULT_ACCOUNT: '111122223333' };
    expect(await app({ env })).toEqual({ exitCode: 0, stderr: '' });
    expect(read('manifest.json').artifacts.Drayage.environment).toBe('aws://111122223333/eu-west-1');
  });

  it('decides about each feature flag of the CDK, and follows its recommendation unless what is deployed would change', () => {
    const recommended = Object.fromEntries(
      Object.entries(FLAGS)
        .filter(([name, { introducedIn }]) => introducedIn.v2 !== undefined && !expired.includes(name))
        .map(([name, { recommendedValue }]) => [name, recommendedValue]),
    );
    expect(cdkJson.context).toEqual({
      ...recommended,
      '@aws-cdk/core:strictCfnValidateErrors': true,
      '@aws-cdk/aws-iam:minimizePolicies': false,
      '@aws-cdk/core:enablePartitionLiterals': false,
      // Regions of all of them can be mirrored into.
      '@aws-cdk/core:target-partitions': ['aws', 'aws-cn', 'aws-us-gov', 'aws-eusc'],
    });
  });

  it("synthesises the repository's own mirror.yaml, and passes CloudFormation's rules too", async () => {
    const { context } = cdkJson;
    expect(await app({ context, env: { CDK_VALIDATION: 'true' } })).toEqual({ exitCode: 0, stderr: '' });
  });

  it('prefers the context value config to the environment, and adds the context value environment', async () => {
    const context = {
      config: write('b.yaml', smallConfig.replace('yard/images', 'from/context')),
      environment: '{"AWS_ENDPOINT_URL_ECR":"http://127.0.0.1:5000"}',
    };
    const { exitCode } = await app({ context, env: { DRAYAGE_CONFIG: write('a.yaml', smallConfig) } });
    expect(exitCode).toBe(0);
    const template = JSON.stringify(read('Drayage.template.json'));
    expect(template).toContain(':repository/from/context/*');
    expect(template.match(/"AWS_ENDPOINT_URL_ECR":"http:\/\/127.0.0.1:5000"/g)).toHaveLength(9);
  });

  it('reports every configuration error with its place, and nothing of its own internals', async () => {
    const file = write('wrong.yaml', 'version: 1\nmirror: { regions: [] }\nupstream: []\n');
    const { exitCode, stderr } = await app({ env: { DRAYAGE_CONFIG: file } });
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${file}:2:`);
    expect(stderr).toContain(`${file}:3:`);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('reports that the file does not exist', async () => {
    const { exitCode, stderr } = await app({ cwd: folder });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/mirror\.yaml does not exist/);
  });
});
