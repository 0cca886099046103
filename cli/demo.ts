import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { LogBuffer } from './demo/log-buffer.ts';
import { createScreen } from './demo/screen.ts';
import { tellStory } from './demo/story.ts';
import { formatDuration } from './format.ts';

const help = `
Needs nothing but Node: no network, no AWS account, no container engine. In some ten seconds it

  1. starts a registry that plays ghcr.io, and the pipeline as 'drayage local' runs it, on free ports;
  2. builds an image out of what is installed here: this Node, packages, Drayage's own source;
  3. pushes it, sends the webhook that GitHub would send, and follows the job to the mapping;
  4. changes one file, does it again, and shows that only the changed layer and the config travel;
  5. pulls the image through the mirror, and compares every byte with what was built.

Each claim is checked, and the first that does not hold ends the demo with exit code 1, what was
wrong, and the pipeline's log. Files are kept in a temporary folder and removed, also after Ctrl-C.
A terminal gets colours (unless NO_COLOR is set) and a progress bar, a pipe gets plain lines.

Then, with images of your own:
  $ drayage local --config mirror.yaml
`;

/** A second signal ends at once; but a terminal's Ctrl-C can arrive twice, from the terminal and from npm. */
const patienceMs = 1_000;

/** `drayage demo`: the whole pipeline at work, with a real image, and every claim checked. */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'See the whole pipeline work on this machine: a push, a webhook, and only missing layers are copied.',
    )
    .addHelpText('after', help)
    .action(runDemo);
}

async function runDemo(): Promise<void> {
  const interrupt = interruption();
  const log = new LogBuffer();
  const folder = mkdtempSync(join(tmpdir(), 'drayage-demo-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder); // for those who can't wait
  const stream = process.stdout;
  const screen = createScreen(stream);
  const started = performance.now();
  try {
    await tellStory({ screen, stream, folder, log, signal: interrupt.signal });
  } catch (error) {
    if (interrupt.signal.aborted) throw interrupt.signal.reason;
    const logged = log.text().trimEnd();
    if (logged !== '') process.stderr.write(`What the pipeline logged:\n${logged}\n\n`);
    throw error;
  } finally {
    removeFolder();
    interrupt.release();
  }
  const duration = formatDuration(performance.now() - started);
  screen.line(
    `${screen.paint('green', 'Done')} in ${duration}. Nothing is left running, and nothing on disk.`,
  );
}

/** A signal that fires when the demo is interrupted, or nobody reads what it writes any more. */
function interruption(): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  let since: number | undefined;
  const onSignal = () => {
    since ??= Date.now();
    if (Date.now() - since > patienceMs) process.exit(1);
    controller.abort(new Error('interrupted; everything is stopped and removed'));
  };
  const onError = (error: Error) =>
    controller.abort(new Error(`the output can't be written: ${error.message}`));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  process.stdout.on('error', onError);
  return {
    signal: controller.signal,
    release: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
