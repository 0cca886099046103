import { writeSync } from 'node:fs';
import { logOutput } from '../shared/output.ts';
import { readConfig } from '../shared/read-config.ts';
import { readSecrets } from '../shared/read-secrets.ts';
import type { LocalFlags } from './flags.ts';
import { createNarrator, type Narrator } from './narrator.ts';
import { terminalLog } from './terminal-log.ts';

/** How many mappings to search for an example image. */
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
 * Ends the process after an error that nobody can catch. A table that can't be written is reported
 * in plain words, a defect with its stack.
 */
function endFor(error: Error & { remedy?: string | undefined }): void {
  const told = error.remedy === undefined ? `${error.stack}` : `drayage: ${error.message}\n  ${error.remedy}`;
  writeSync(2, `${told}\n`);
  process.exit(1);
}

/**
 * The stream that people read: standard error, since standard output is for results; or standard
 * output if only that is a terminal.
 */
function terminalOf({ stderr, stdout }: NodeJS.Process): NodeJS.WriteStream | undefined {
  return [stderr, stdout].find(({ isTTY }) => isTTY);
}

/**
 * Logs unchanged if no people read them, or if they asked for a log level; otherwise plain lines.
 */
function logFor(narrator: Narrator | undefined): NodeJS.WritableStream {
  const plain = narrator && process.stderr.isTTY && !process.env.POWERTOOLS_LOG_LEVEL;
  return plain ? terminalLog(narrator.tell) : logOutput();
}

/** How this command was invoked, to use in examples: npx says so in the environment. */
function commandName(): string {
  return process.env.npm_command === 'exec' ? 'npx drayage' : 'drayage';
}
