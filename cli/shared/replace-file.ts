import { chmod, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { fileFailure } from '../../core/config/file-failure.ts';
import { CommandError } from './command-error.ts';

/**
 * Writes a file anew, or for the first time. It has its old text or its new one at any time, keeps
 * its mode, and a symbolic link stays one.
 *
 * @throws CommandError
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  try {
    const file = (await unlessAbsent(realpath(path))) ?? path;
    const draft = `${file}.${process.pid}.drayage`;
    try {
      await writeFile(draft, text, { flag: 'wx' });
      const before = await unlessAbsent(stat(file));
      if (before) await chmod(draft, before.mode);
      await rename(draft, file);
    } finally {
      await rm(draft, { force: true });
    }
  } catch (error) {
    const { reason, remedy } = fileFailure(error, path);
    throw new CommandError(`${path} can’t be written: ${reason}`, remedy);
  }
}

async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
