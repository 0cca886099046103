import { fileFailure } from '../core/config/file-failure.ts';

/** The stack can’t start; `remedy` says what helps. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly remedy: string | undefined;

  constructor(message: string, remedy: string | undefined, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.remedy = remedy;
  }
}

/** Failures of these system calls are not about a file. */
const ofSockets: ReadonlySet<string> = new Set(['bind', 'listen', 'connect', 'getaddrinfo']);

/**
 * The error for a data folder that can’t be used, if the operating system gave the reason; any
 * other error unchanged.
 */
export function dataFolderError(error: unknown, directory: string): unknown {
  const { syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  if (syscall === undefined || ofSockets.has(syscall) || error instanceof StartError) return error;
  const failed = path ?? directory;
  const { reason, remedy } = fileFailure(error, failed);
  const where = failed === directory ? '' : `: ${failed}`;
  const other = 'choose a folder that this user can write to: --data FOLDER';
  return new StartError(
    `the data folder ${directory} can’t be used${where}: ${reason}`,
    remedy === undefined ? other : `${remedy}; or ${other}`,
    error,
  );
}
