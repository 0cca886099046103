import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { request } from 'undici';
import { deriveSecret } from '../../core/webhooks/secrets/secrets.ts';
import { packageRoot } from '../../lib/function-bundle.ts';
import { type LiveRegistry, makeImage, putManifest } from './registry.ts';

/** One run of the script. */
export interface Run {
  /** The name of the stack, the prefix of repositories, and part of every other name. */
  name: string;
  region: string;
  /** A folder for what the CDK writes. */
  folder: string;
  signal: AbortSignal;
}

type Outputs = Record<'ApiUrl' | 'ApiSecretArn', string>;

/** Deploys the stack of this run. @returns its outputs */
export async function deployStack(run: Run, registry: LiveRegistry): Promise<Outputs> {
  const outputs = join(run.folder, 'outputs.json');
  writeFileSync(join(run.folder, 'mirror.yaml'), mirrorYaml(run, registry));
  await cdk(run, ['deploy', '--require-approval', 'never', '--outputs-file', outputs], run.signal);
  return JSON.parse(readFileSync(outputs, 'utf8'))[run.name];
}

/** Deletes the stack, also one that is still being created. */
export async function destroyStack(run: Run): Promise<void> {
  await cdk(run, ['destroy', '--force']);
}

function mirrorYaml({ name, region }: Run, { endpoint }: LiveRegistry): string {
  return `
version: 1
mirror: { regions: [${region}], repositoryPrefix: ${name} }
upstreams:
  - registry: upstream.example.com
    endpoint: ${endpoint}
    credentials: { secret: ${name}/upstream }
    webhook: { source: distribution }
    repositories: [{ match: ${name}/** }]
`;
}

/** In a process group of its own: Ctrl-C is for the script, which then cleans up. */
async function cdk({ name, folder }: Run, args: string[], signal?: AbortSignal): Promise<void> {
  const { AWS_ENDPOINT_URL_ECR } = process.env;
  mkdirSync(folder, { recursive: true });
  const context = [
    `name=${name}`,
    `environment=${JSON.stringify(AWS_ENDPOINT_URL_ECR ? { AWS_ENDPOINT_URL_ECR } : {})}`,
  ].flatMap((value) => ['--context', value]);
  const app = `node ${join(packageRoot, 'test/live/app.ts')}`;
  const command = [
    join(packageRoot, 'node_modules/.bin/cdk'),
    '--output',
    join(folder, 'cdk.out'),
    '--app',
    app,
  ];
  const child = spawn(process.execPath, [...command, ...args, ...context], {
    cwd: packageRoot,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      CI: 'true',
      NO_COLOR: '1',
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      DRAYAGE_CONFIG: join(folder, 'mirror.yaml'),
    },
  });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  const end = () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  };
  signal?.addEventListener('abort', end, { once: true });
  try {
    const code = await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    signal?.throwIfAborted();
    if (code !== 0) throw new Error(`cdk ${args[0]} failed:\n${Buffer.concat(output).toString('utf8')}`);
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

/**
 * Stores a login for the upstream, which is the same registry. The upload of an image is then all
 * that the run needs from outside.
 */
export async function storeUpstreamLogin({ name, region }: Run, { ecr }: LiveRegistry): Promise<void> {
  const { GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  const login = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64').toString('utf8');
  const password = login.slice(login.indexOf(':') + 1);
  const secrets = new SecretsManagerClient({ region });
  try {
    const SecretString = JSON.stringify({ username: 'AWS', password });
    await secrets.send(new CreateSecretCommand({ Name: `${name}/upstream`, SecretString }));
  } finally {
    secrets.destroy();
  }
}

/** Pushes an image into the upstream repository, has it mirrored, and pulls it from the mirror. */
export async function mirrorAnImage(run: Run, registry: LiveRegistry, outputs: Outputs): Promise<string> {
  const { name, signal } = run;
  const upstream = `${name}/upstream`;
  const layer = Buffer.alloc(300_000, name);
  const manifest = await makeImage(registry, upstream, layer, name);
  const { status, digest } = await putManifest(registry, upstream, manifest, '1');
  if (status !== 201) throw new Error(`PUT of the image was answered ${status}`);

  const token = deriveSecret(await rootOf(run, outputs), 'token:operator');
  const image = `upstream.example.com/${upstream}:1`;
  const started = performance.now();
  const queued = await callApi(outputs, 'POST', '/v1/mirrors', token, { images: [image] });
  if (queued.status !== 202) throw new Error(`POST /v1/mirrors was answered ${JSON.stringify(queued)}`);
  for (;;) {
    signal.throwIfAborted();
    const answer = await callApi(outputs, 'GET', `/v1/mappings?image=${encodeURIComponent(image)}`, token);
    const seconds = (performance.now() - started) / 1_000;
    if (answer.status === 200) {
      const mirrored = `${name}/${image.slice(0, image.indexOf(':'))}`;
      const pull = await registry.request('GET', `${mirrored}/manifests/${digest}`);
      if (pull.status !== 200) throw new Error(`the pull from the mirror was answered ${pull.status}`);
      return `mirrored in ${seconds.toFixed(1)} s, pulled by digest`;
    }
    if (seconds > 120) throw new Error(`not mirrored after two minutes: ${JSON.stringify(answer)}`);
    await sleep(500, undefined, { signal });
  }
}

async function rootOf({ region }: Run, { ApiSecretArn }: Outputs): Promise<string> {
  const secrets = new SecretsManagerClient({ region });
  try {
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: ApiSecretArn }));
    return JSON.parse(SecretString ?? '').root;
  } finally {
    secrets.destroy();
  }
}

/** An emulator serves all APIs at one address, and tells them apart by the Host header. */
async function callApi(
  { ApiUrl }: Outputs,
  method: 'GET' | 'POST',
  path: string,
  token: string,
  body?: object,
) {
  const { statusCode, body: answer } = await request(new URL(path, process.env.AWS_ENDPOINT_URL ?? ApiUrl), {
    method,
    headers: {
      host: new URL(ApiUrl).host,
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: statusCode, body: await answer.text() };
}
