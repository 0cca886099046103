import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileFailure } from '../../core/config/file-failure.ts';
import { CommandError } from '../shared/command-error.ts';
import { formatDuration } from '../shared/format.ts';
import { onInterrupt } from '../shared/interruption.ts';
import { outputLost } from '../shared/output.ts';
import { LogBuffer } from './log-buffer.ts';
import { createScreen } from './screen.ts';
import { tellStory } from './story.ts';

/**
 * Runs `drayage demo` on standard output, in a temporary folder that is removed at the end.
 *
 * @throws Error if it is interrupted, or something does not happen as shown
 */
export async function runDemo(): Promise<void> {
  const interrupt = interruption();
  const log = new LogBuffer();
  const folder = temporaryFolder();
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder); // for users who can't wait
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

function temporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'drayage-demo-'));
  } catch (error) {
    const { reason } = fileFailure(error, tmpdir());
    throw new CommandError(
      `the demo can’t make a folder in ${tmpdir()}: ${reason}`,
      'choose a folder that this user can write to: TMPDIR=FOLDER drayage demo',
    );
  }
}

/** A signal that fires when the demo is interrupted, or when nobody reads its output any more. */
function interruption(): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const release = onInterrupt(() =>
    controller.abort(new Error('interrupted; everything is stopped and removed')),
  );
  return { signal: AbortSignal.any([controller.signal, outputLost]), release };
}
