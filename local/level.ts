import { createRequire } from 'node:module';

/** The part of dynalite's database that is used here. */
interface Database {
  open(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens and closes a folder of dynalite's database (LevelDB). The emulator opens it only with the first request, and a
 * failure there is thrown where nobody can catch it.
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
    throw new Error(`--data: the table in ${folder} can't be opened: ${remedyFor(code, message)}`, {
      cause: error,
    });
  } finally {
    await database.close();
  }
}

function remedyFor(code: string | undefined, message: string): string {
  if (code === 'LEVEL_LOCKED') return 'another process uses it; stop that one, or give another --data';
  // LevelDB's own messages name files and rules. They don't quote what is stored.
  return `${message}. Restore the folder; or remove it, and jobs and mappings begin anew (what is mirrored is found present)`;
}
