import { readFileSync } from 'node:fs';
import { loadConfig } from '../../core/config/load.ts';
import type { LocalFlags } from '../local.ts';
import { logOutput } from '../output.ts';
import { createNarrator, type Narrator } from './narrator.ts';
import { terminalLog } from './terminal-log.ts';

/** Among so many mappings an image is looked for to try things with. */
const lookedAt = 100;

/**
 * Runs `drayage local`.
 *
 * @param told resolves when it shall stop
 */
export async function runLocal(flags: LocalFlags, told: Promise<void>): Promise<void> {
  const config = loadConfig(flags.config);
  const upstreamSecrets = flags.secrets === undefined ? undefined : readSecrets(flags.secrets);
  const names = config.upstreams.flatMap(({ webhooks }) => webhooks.map(({ name }) => name));
  const terminal = terminalOf(process);
  const narrator = terminal && createNarrator(terminal, names);
  // Loaded only now: a mistake in the configuration is told without waiting for the emulators.
  const { startLocalStack } = await import('../../local/stack.ts');
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
