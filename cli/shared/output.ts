import { Writable } from 'node:stream';
import { fileFailure } from '../../core/config/file-failure.ts';

/**
 * Standard output can't be written any more. This has already been reported, if possible; there is
 * nothing to add.
 */
export class OutputLostError extends Error {
  readonly remedy: string | undefined;

  constructor(cause: Error) {
    const { reason, remedy } = fileFailure(cause, '.');
    super(`standard output can’t be written: ${reason}`, { cause });
    this.name = 'OutputLostError';
    this.remedy = remedy && 'free some space, or write to another disk: df -h';
  }
}

const lost = new AbortController();

/**
 * Aborted with an OutputLostError when standard output can't be written any more: for commands that
 * are then pointless.
 */
export const outputLost: AbortSignal = lost.signal;

/**
 * Keeps a closed standard output or standard error from ending the process with a stack trace.
 * Output that nobody reads is dropped, and the command keeps its own exit code. Any other failure,
 * such as a full disk, is reported with exit code 1.
 */
export function watchOutput(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (lost.signal.aborted) return;
    const reason = new OutputLostError(error);
    lost.abort(reason);
    if (error.code === 'EPIPE') return;
    process.stderr.write(`drayage: ${reason.message}\n`);
    if (reason.remedy !== undefined) process.stderr.write(`  ${reason.remedy}\n`);
    process.exitCode = 1;
  });
}

/**
 * Standard error for logs that are piped into it. It still takes them when nobody reads them any
 * more; the stream itself would block its sources and let them fill up.
 */
export function logOutput(stream: NodeJS.WritableStream = process.stderr): Writable {
  const output = new Writable({
    write(chunk, _encoding, done) {
      stream.write(chunk, () => done());
    },
  });
  // Many worker threads each pipe two streams into it: that is not a leak to warn about in the
  // logs.
  return output.setMaxListeners(0);
}
