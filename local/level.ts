import { createRequire } from 'node:module';
import { type FileFailure, fileFailure } from '../core/config/file-failure.ts';
import { StartError } from './start-error.ts';

/** The part of dynalite's database that is used here. */
interface Database {
  open(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens and closes a folder of dynalite's database (LevelDB). The emulator opens it only with the
 * first request, and a failure there is thrown where nobody can catch it.
 *
 * @throws Error that names the folder and what to do: it is no database, damaged, or in use
 */
export async function checkDatabase(folder: string): Promise<void> {
  // The very package that the emulator has.
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
 * What ended the table, where a write failed: LevelDB throws that where nobody can catch it.
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
  // LevelDB tells the operating system's reason in the words of strerror alone.
  const errno = systemReasons.find(([words]) => message.includes(words))?.[1];
  if (errno !== undefined) return fileFailure(Object.assign(new Error(message), { code: errno }), folder);
  return {
    // Its own messages name files and rules. They don't quote what is stored.
    reason: message,
    remedy:
      'restore the folder; or remove it, and jobs and mappings begin anew (what is mirrored is found present)',
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
