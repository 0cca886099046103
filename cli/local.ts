import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { onInterrupt } from './interruption.ts';
import { logOutput } from './output.ts';

interface LocalFlags {
  config: string;
  port: number;
  data?: string;
  auth: boolean;
  secrets?: string;
}

/** `drayage local`: the whole pipeline on this machine, until it is interrupted. */
export function localCommand(): Command {
  return new Command('local')
    .description(
      'Run the whole pipeline on this machine: webhooks, queue, workers, a registry that behaves as ECR, mapping API.',
    )
    .option('--config <file>', 'the configuration', 'mirror.yaml')
    .option('--port <number>', "the API's port; 0 takes a free one", parsePort, 0)
    .option('--data <folder>', 'keep images, mappings, jobs and webhook secrets over a restart')
    .option('--auth', 'ask for API tokens, and for the registry password on pulls', false)
    .option(
      '--secrets <file>',
      'JSON with the secrets that credentials in the configuration name: {"name": {"username", "password"}}',
    )
    .addHelpText(
      'after',
      `
The first line on standard output is JSON: where API, registry and queue are, for each webhook its URL and what to paste
at the upstream, and with --auth the API's tokens. Logs go to standard error. Ctrl-C stops.

Programs of this machine may ask the API and pull, unless there is --auth; through a tunnel, only webhooks are
taken then. Pushes need ECR's login, which any AWS credentials get:
  $ aws ecr get-login-password --endpoint-url http://127.0.0.1:40124 --region eu-west-1 \\
      | docker login --username AWS --password-stdin 127.0.0.1:40124

Example:
  $ drayage local --config mirror.yaml --data ./drayage-data
  {"ready":true,"api":"http://127.0.0.1:40123","registry":"127.0.0.1:40124",…}
  $ curl 'http://127.0.0.1:40123/v1/mappings?image=nginx:1.27'`,
    )
    .action(runLocal);
}

async function runLocal(flags: LocalFlags): Promise<void> {
  // Before anything is started that would have to be stopped.
  const told = new Promise<void>((resolve) => void onInterrupt(resolve));
  const { loadConfig } = await import('../core/config/load.ts');
  const config = loadConfig(flags.config);
  const upstreamSecrets = flags.secrets === undefined ? undefined : readSecrets(flags.secrets);
  // Loaded only here: the emulators would slow every other command's start.
  const { startLocalStack } = await import('../local/stack.ts');
  const stack = await startLocalStack({
    config,
    port: flags.port,
    data: flags.data,
    auth: flags.auth,
    upstreamSecrets,
    log: logOutput(),
  });
  process.stdout.write(`${JSON.stringify(stack.ready)}\n`);
  await told;
  process.stderr.write('stopping…\n');
  await stack.stop();
  process.exit(0);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('a port is a whole number from 0 to 65535');
}

function readSecrets(file: string): Record<string, object> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // The message of a JSON error quotes the text around it, which here may be a password.
    const why = error instanceof SyntaxError ? 'it is no JSON' : (error as Error).message;
    throw new Error(`--secrets ${file} can't be read: ${why}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`--secrets ${file} must hold an object: {"name": {"username": "…", "password": "…"}}`);
  }
  return value as Record<string, object>;
}
