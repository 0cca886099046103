import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileFailure } from '../../core/config/file-failure.ts';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import { CommandError } from '../shared/command-error.ts';
import { configText } from './config-text.ts';
import type { InitOptions } from './options.ts';

/** Writes the file, or prints it. @throws CommandError */
export function runInit({ config: file, region, from, force }: InitOptions): void {
  const text = configText(region, from);
  const parsed = parseConfig(text);
  if (!parsed.ok) {
    const [error] = parsed.errors;
    throw new CommandError(`${error?.path}: ${error?.message}`, 'change --region or --from');
  }
  if (file === '-') {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const other = 'name another file with --config';
    if (code === 'EEXIST') throw new CommandError(`${file} already exists`, `${other}, or add --force`);
    if (code === 'ENOENT')
      throw new CommandError(
        `${file} can’t be written: there is no folder ${dirname(file)}`,
        `make it: mkdir -p ${dirname(file)}; or ${other}`,
      );
    const { reason, remedy } = fileFailure(error, file);
    throw new CommandError(
      `${file} can’t be written: ${reason}`,
      remedy === undefined ? other : `${remedy}; or ${other}`,
    );
  }
  process.stderr.write(
    `${file} is written. Next:\n  drayage validate --config ${file}\n  drayage local --config ${file}\n`,
  );
}
