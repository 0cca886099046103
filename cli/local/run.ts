import { readFileSync, writeSync } from 'node:fs';
import type { Config } from '../../core/config/config.ts';
import { fileFailure } from '../../core/config/file-failure.ts';
import { InvalidConfigError, loadConfig } from '../../core/mirror-yaml/load.ts';
import { CommandError } from '../shared/command-error.ts';
import { logOutput } from '../shared/output.ts';
import type { LocalFlags } from './flags.ts';
import { createNarrator, type Narrator } from './narrator.ts';
import { terminalLog } from './terminal-log.ts';

/** How many mappings to search for an image to try things with. */
const lookedAt = 100;

/**
 * Runs `drayage local`.
 *
 * @param told resolves when it should stop
 */
export async function runLocal(flags: LocalFlags, told: Promise<void>): Promise<void> {
  const config = readConfig(flags.config);
  const upstreamSecrets = flags.secrets === undefined ? undefined : readSecrets(flags.secrets);
  const names = config.upstreams.flatMap(({ webhooks }) => webhooks.map(({ name }) => name));
  const terminal = terminalOf(process);
  const narrator = terminal && createNarrator(terminal, names);
  // Loaded only now: a mistake in the configuration is reported without waiting for the emulators.
  const { startLocalStack } = await import('../../local/stack.ts');
  const { data } = flags;
  if (data !== undefined) {
    const { tableWriteError } = await import('../../local/level.ts');
    process.on('uncaughtException', (error) => endFor(tableWriteError(error, data) ?? error));
  }
  const stack = await startLocalStack({
    config,
    port: flags.port,
    data,
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
    const { config: file } = flags;
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

/**
 * Ends the process for what nobody can catch: a table that can't be written is told in plain words,
 * a defect with its stack.
 */
function endFor(error: Error & { remedy?: string | undefined }): void {
  const told = error.remedy === undefined ? `${error.stack}` : `drayage: ${error.message}\n  ${error.remedy}`;
  writeSync(2, `${told}\n`);
  process.exit(1);
}

function readConfig(file: string): Config {
  try {
    return loadConfig(file);
  } catch (error) {
    // A file that can't be read has no lines, and its message says what helps.
    if (!(error instanceof InvalidConfigError) || error.errors.every(({ line }) => line === undefined))
      throw error;
    throw new CommandError(
      `${file} is not valid:\n${error.message}`,
      `fix it, then check it: drayage validate --config ${file}`,
    );
  }
}

/**
 * Where people read: standard error, since results belong on standard output; standard output if
 * only that is a terminal.
 */
function terminalOf({ stderr, stdout }: NodeJS.Process): NodeJS.WriteStream | undefined {
  return [stderr, stdout].find(({ isTTY }) => isTTY);
}

/**
 * Logs as they are, unless people read them: they get plain lines, unless they ask for a log level.
 */
function logFor(narrator: Narrator | undefined): NodeJS.WritableStream {
  const plain = narrator && process.stderr.isTTY && !process.env.POWERTOOLS_LOG_LEVEL;
  return plain ? terminalLog(narrator.tell) : logOutput();
}

/** How to call the command the way this one was called: npx says that it runs it. */
function commandName(): string {
  return process.env.npm_command === 'exec' ? 'npx drayage' : 'drayage';
}

/** Of the file of `--secrets`. */
const form = 'write one secret for each name in mirror.yaml: {"NAME": {"username": "…", "password": "…"}}';

function readSecrets(file: string): Record<string, object> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // The message of a JSON error quotes the surrounding text, which may be a password here.
    if (error instanceof SyntaxError) throw new CommandError(`--secrets ${file} is not JSON`, form);
    const { reason, remedy } = fileFailure(error, file);
    throw new CommandError(`--secrets ${file} can’t be read: ${reason}`, remedy ?? form);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CommandError(`--secrets ${file} is not an object`, form);
  return value as Record<string, object>;
}
