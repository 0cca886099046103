import { Writable } from 'node:stream';
import { fileFailure } from '../../core/config/file-failure.ts';

/**
 * Standard output can't be written any more. It has been told where that can be; there is nothing
 * to add.
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
 * Aborted, with an OutputLostError, when standard output can't be written any more: for commands
 * that then have no purpose.
 */
export const outputLost: AbortSignal = lost.signal;

/**
 * Keeps a closed standard output or standard error from ending the process with a stack trace. What
 * nobody reads is dropped, and the command goes on to its own exit code; any other failure, such as
 * a full disk, is told, exit code 1.
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
 * Standard error for logs that are piped into it: it takes them also when nobody reads them any
 * more, where the stream itself would let its sources stop and fill up.
 */
export function logOutput(stream: NodeJS.WritableStream = process.stderr): Writable {
  const output = new Writable({
    write(chunk, _encoding, done) {
      stream.write(chunk, () => done());
    },
  });
  // Each worker thread pipes two streams into it, and there are many: that is no leak to warn of
  // among the logs.
  return output.setMaxListeners(0);
}
