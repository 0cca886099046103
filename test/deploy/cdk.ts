import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../lib/function-bundle.ts';
import { Deployment } from './deployment.ts';

const run = promisify(execFile);

/** MiniStack takes any credentials; it is one account. */
const account = '000000000000';
export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

/** Where and with what a CDK app is deployed. */
export interface DeploymentOptions {
  /** AWS_ENDPOINT_URL of everything. */
  endpoint: string;
  /** The mirror.yaml. Its first region is where the stack is. */
  configFile: string;
  /** Its region. */
  region: string;
  /** Environment variables for the functions. */
  environment: Record<string, string>;
  /** A folder for what the CDK writes; the caller removes it. */
  folder: string;
  /** The repository that is deployed: this one, or another version of it. */
  root?: string;
  /** The app's command, if it is not the one in cdk.json. */
  app?: string;
  /** More context for the app. */
  context?: Record<string, string>;
}

/** The stack's name in every app that is deployed here. */
export const stackName = 'Drayage';

/** Prepares regions of the emulated account for the CDK, as is done once for a real one. */
export async function bootstrap(options: DeploymentOptions, regions = [options.region]): Promise<void> {
  await cdk(['bootstrap', ...regions.map((region) => `aws://${account}/${region}`)], options);
}

/** Deploys the repository's CDK app, unchanged. @throws Error with the CDK's output */
export async function deploy(options: DeploymentOptions): Promise<Deployment> {
  const outputs = join(options.folder, 'outputs.json');
  await cdk(
    ['deploy', '--require-approval', 'never', '--outputs-file', outputs, ...contextOf(options)],
    options,
  );
  return new Deployment(
    options.endpoint,
    options.region,
    JSON.parse(readFileSync(outputs, 'utf8'))[stackName],
  );
}

/** Deletes the stack; what it retains stays. @throws Error with the CDK's output */
export async function destroy(options: DeploymentOptions): Promise<void> {
  await cdk(['destroy', '--force', ...contextOf(options)], options);
}

function contextOf({ environment, context = {} }: DeploymentOptions): string[] {
  const values = { environment: JSON.stringify(environment), ...context };
  return Object.entries(values).flatMap(([name, value]) => ['--context', `${name}=${value}`]);
}

/** Runs the CDK's command line with the environment of a CI machine, and no other. */
async function cdk(args: string[], options: DeploymentOptions): Promise<void> {
  const { endpoint, configFile, folder, region, root = packageRoot, app } = options;
  const command = [
    join(packageRoot, 'node_modules/.bin/cdk'),
    '--output',
    join(folder, 'cdk.out'),
    ...(app === undefined ? [] : ['--app', app]),
    ...args,
  ];
  const env = {
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    HOME: folder,
    TMPDIR: folder,
    CI: 'true',
    NO_COLOR: '1',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    DRAYAGE_CONFIG: configFile,
  };
  try {
    await run(process.execPath, command, { cwd: root, env, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`cdk ${args[0]} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
