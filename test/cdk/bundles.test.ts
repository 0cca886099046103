import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { App, Stack } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { prebuiltBundle } from '../../lib/function-bundle.ts';
import { ImageMirrorStack } from '../../lib/image-mirror-stack.ts';
import { configOf, functionNames } from './mirror-template.ts';

const run = promisify(execFile);
const config = configOf();
const bundles = new Map<string, string>();

beforeAll(() => {
  vi.stubEnv('CDK_VALIDATION', 'false'); // CloudFormation's own rules, which take seconds to load
  const app = new App();
  new ImageMirrorStack(app, 'Drayage', { config, env: { region: 'eu-west-1' } });
  const assembly = app.synth();
  const { Resources } = assembly.getStackByName('Drayage').template;
  for (const { Type, Properties } of Object.values<Resource>(Resources)) {
    if (Type !== 'AWS::Lambda::Function') continue;
    const asset = `asset.${Properties.Code.S3Key.replace(/\.zip$/, '')}`;
    bundles.set(Properties.Environment.Variables.POWERTOOLS_SERVICE_NAME, join(assembly.directory, asset));
  }
});

afterAll(() => {
  vi.unstubAllEnvs();
});

interface Resource {
  Type: string;
  Properties: {
    Code: { S3Key: string };
    Environment: { Variables: { POWERTOOLS_SERVICE_NAME: string } };
  };
}

describe.each([...functionNames, 'blob-mounting'])("the %s function's bundle", (name) => {
  const folder = () => bundles.get(name) ?? '';

  it('is one module with its source map and the configuration', () => {
    const page = name === 'api' ? ['web'] : [];
    expect(readdirSync(folder()).sort()).toEqual(['index.mjs', 'index.mjs.map', 'mirror.json', ...page]);
  });

  it('holds the configuration as it was normalised', () => {
    expect(JSON.parse(readFileSync(join(folder(), 'mirror.json'), 'utf8'))).toEqual(config);
  });

  it('is minified and keeps no source text in its map', () => {
    expect(statSync(join(folder(), 'index.mjs')).size).toBeLessThan(3 * 1024 * 1024);
    expect(JSON.parse(readFileSync(join(folder(), 'index.mjs.map'), 'utf8')).sourcesContent).toBeUndefined();
  });

  it('loads without any package beside it and exports the handler', async () => {
    const program = `const { handler } = await import(${JSON.stringify(pathToFileURL(join(folder(), 'index.mjs')))}); console.log(typeof handler);`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: folder(),
      env: {
        AWS_REGION: 'eu-west-1',
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: 'Drayage',
      },
    });
    expect(stdout).toBe('function\n');
  });
});

describe("the API function's bundle", () => {
  it('has the status page, and answers with it', async () => {
    const folder = bundles.get('api') ?? '';
    const web = join(import.meta.dirname, '../../web');
    expect(readdirSync(join(folder, 'web')).sort()).toEqual(readdirSync(web).sort());
    const event = {
      rawPath: '/',
      rawQueryString: '',
      headers: {},
      requestContext: { stage: '$default', domainName: 'api.example', http: { method: 'GET' } },
    };
    const program = `const { handler } = await import(${JSON.stringify(pathToFileURL(join(folder, 'index.mjs')))}); process.stdout.write((await handler(${JSON.stringify(event)}, {})).body);`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: folder,
      env: {
        AWS_REGION: 'eu-west-1',
        POWERTOOLS_SERVICE_NAME: 'api',
        POWERTOOLS_METRICS_NAMESPACE: 'Drayage',
      },
    });
    expect(stdout).toMatch(/^<!doctype html>[\s\S]*src="web\/[\w-]{16}\/app\.js"/);
  });
});

describe('a bundle that was built before, as in the published package', () => {
  const root = mkdtempSync(join(tmpdir(), 'drayage-prebuilt-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('is used as it is, with the configuration beside it', () => {
    mkdirSync(join(root, 'functions/webhook'), { recursive: true });
    writeFileSync(join(root, 'functions/webhook/index.mjs'), 'export const handler = () => {};');
    const folder = prebuiltBundle(new Stack(new App(), 'Own'), 'webhook', config, root) ?? '';
    expect(readdirSync(folder).sort()).toEqual(['index.mjs', 'mirror.json']);
    expect(JSON.parse(readFileSync(join(folder, 'mirror.json'), 'utf8'))).toEqual(config);
    expect(readdirSync(join(root, 'functions/webhook'))).toEqual(['index.mjs']);
  });

  it('is not needed if the source is there', () => {
    expect(prebuiltBundle(new Stack(new App(), 'Own'), 'mirror', config, root)).toBeUndefined();
  });
});
