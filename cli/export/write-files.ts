import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileFailure } from '../../core/config/file-failure.ts';
import type { ExportedFile } from '../../core/exports/export.ts';
import { CommandError } from '../shared/command-error.ts';
import { replaceFile } from '../shared/replace-file.ts';

/**
 * Writes the files of an export below a folder, which is made. Nothing is written if one of them
 * would replace a file that no export wrote.
 *
 * @throws CommandError
 */
export async function writeFiles(folder: string, files: readonly ExportedFile[]): Promise<void> {
  for (const { path, mark } of files) {
    const file = join(folder, path);
    const before = firstLineOf(file);
    if (before === undefined || before === mark) continue;
    throw new CommandError(
      `${file} was not written by drayage: nothing was written`,
      'move it away, or name another folder',
    );
  }
  for (const { path, text } of files) {
    const file = join(folder, path);
    try {
      mkdirSync(dirname(file), { recursive: true });
    } catch (error) {
      const { reason, remedy } = fileFailure(error, file);
      throw new CommandError(`${file} can’t be written: ${reason}`, remedy);
    }
    await replaceFile(file, text);
  }
}

function firstLineOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').split('\n', 1)[0];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const { reason, remedy } = fileFailure(error, file);
    throw new CommandError(`${file} can’t be read: ${reason}`, remedy);
  }
}
