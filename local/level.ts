import { createRequire } from 'node:module';
import { type FileFailure, fileFailure } from '../core/config/file-failure.ts';
import { StartError } from './start-error.ts';

/** The part of dynalite's database that we use. */
interface Database {
  open(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens and closes a folder of dynalite's database (LevelDB). The emulator opens it only at the
 * first request, and throws a failure where nobody can catch it.
 *
 * @throws Error that names the folder and says what to do, if it is not a database, damaged, or in
 *   use
 */
export async function checkDatabase(folder: string): Promise<void> {
  // The same package that the emulator uses.
  const { Level } = createRequire(import.meta.resolve('dynalite'))('level') as {
    Level: new (folder: string) => Database;
  };
  const database = new Level(folder);
  try {
    await database.open();
  } catch (error) {
    const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    const { reason, remedy } = explain(code, message, folder);
    throw new StartError(`the table in ${folder} can’t be opened: ${reason}`, remedy, error);
  } finally {
    await database.close();
  }
}

/**
 * The error for a failed write, which ends the table: LevelDB throws it where nobody can catch it.
 * Undefined for any other error.
 *
 * @param directory the data folder
 */
export function tableWriteError(error: unknown, directory: string): StartError | undefined {
  const { code, message = '' } = (error ?? {}) as NodeJS.ErrnoException;
  if (code !== 'LEVEL_IO_ERROR') return undefined;
  const { reason, remedy } = explain(code, message, directory);
  return new StartError(
    `the data folder ${directory} can’t be written any more: ${reason}`,
    `${remedy === undefined ? '' : `${remedy}; then `}start it again: queued jobs continue`,
    error,
  );
}

function explain(code: string | undefined, message: string, folder: string): FileFailure {
  if (code === 'LEVEL_LOCKED')
    return {
      reason: 'another process uses it',
      remedy: 'stop that process, or choose another folder: --data FOLDER',
    };
  // LevelDB gives the operating system's reason only as the text of strerror.
  const errno = systemReasons.find(([words]) => message.includes(words))?.[1];
  if (errno !== undefined) return fileFailure(Object.assign(new Error(message), { code: errno }), folder);
  return {
    // Its own messages name files and rules. They don't quote what is stored.
    reason: message,
    remedy:
      'restore the folder; or remove it, and jobs and mappings start from scratch (mirrored images are found present)',
  };
}

const systemReasons: readonly (readonly [string, string])[] = [
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['File too large', 'EFBIG'],
  ['Permission denied', 'EACCES'],
  ['Read-only file system', 'EROFS'],
  ['Too many open files', 'EMFILE'],
];
