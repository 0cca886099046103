import { writeFileSync } from 'node:fs';
import { parseConfig } from '../../core/config/parse.ts';
import { diskProblem } from '../../local/disk-problem.ts';
import { CommandError } from '../command-error.ts';
import type { InitOptions } from '../init.ts';
import { configText } from './config-text.ts';

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
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new CommandError(`${file} is there already`, 'name another file with --config, or add --force');
    throw new CommandError(
      `${file} can’t be written: ${diskProblem(code) ?? message}`,
      code === 'ENOSPC' ? 'make room, or name another file with --config' : 'name another file with --config',
    );
  }
  process.stderr.write(
    `${file} is written. Next:\n  drayage validate --config ${file}\n  drayage local --config ${file}\n`,
  );
}
