import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { onInterrupt } from './interruption.ts';
import type { Narrator } from './local/narrator.ts';
import { terminalLog } from './local/terminal-log.ts';
import { logOutput } from './output.ts';

/** Among so many mappings an image is looked for to try things with. */
const lookedAt = 100;

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

On a terminal the same follows in plain lines, with commands to try, and then a line for each delivery and each job. Of the
logs, warnings and errors are shown there; with POWERTOOLS_LOG_LEVEL=INFO in the environment all are, as JSON.

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
  const { createNarrator } = await import('./local/narrator.ts');
  const names = config.upstreams.flatMap(({ webhooks }) => webhooks.map(({ name }) => name));
  const terminal = terminalOf(process);
  const narrator = terminal && createNarrator(terminal, names);
  const stack = await startLocalStack({
    config,
    port: flags.port,
    data: flags.data,
    auth: flags.auth,
    upstreamSecrets,
    log: logFor(narrator),
    watcher: narrator?.watcher,
  });
  process.stdout.write(`${JSON.stringify(stack.ready)}\n`);
  if (narrator) {
    const [webhooks, { mappings }] = await Promise.all([
      stack.webhooks(),
      stack.mappings.list({ limit: lookedAt }),
    ]);
    const { config: file, data } = flags;
    narrator.introduce({
      ready: stack.ready,
      config,
      file,
      data,
      webhooks,
      mappings,
      command: commandName(),
    });
  }
  await told;
  process.stderr.write('stopping…\n');
  await stack.stop();
  process.exit(0);
}

/** Where people read: standard error, since results belong on standard output; that if it alone is a terminal. */
function terminalOf({ stderr, stdout }: NodeJS.Process): NodeJS.WriteStream | undefined {
  return [stderr, stdout].find(({ isTTY }) => isTTY);
}

/** Logs as they are, unless people read where they go: they get plain lines, but for who asks for a level. */
function logFor(narrator: Narrator | undefined): NodeJS.WritableStream {
  const plain = narrator && process.stderr.isTTY && !process.env.POWERTOOLS_LOG_LEVEL;
  return plain ? terminalLog(narrator.tell) : logOutput();
}

/** How the command is called from where this one was: npx says what it runs for. */
function commandName(): string {
  return process.env.npm_command === 'exec' ? 'npx drayage' : 'drayage';
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
