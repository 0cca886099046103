import type { Config } from '../../core/config/config.ts';
import { InvalidConfigError, loadConfig } from '../../core/mirror-yaml/load.ts';
import { CommandError } from './command-error.ts';

/**
 * The configuration of a command that depends on it.
 *
 * @throws CommandError, or InvalidConfigError if the file can't be read
 */
export function readConfig(file: string): Config {
  try {
    return loadConfig(file);
  } catch (error) {
    // A file that can't be read has no lines, and its message says what helps.
    if (!(error instanceof InvalidConfigError) || error.errors.every(({ line }) => line === undefined))
      throw error;
    throw new CommandError(
      `${file} is not valid:\n${error.message}`,
      `fix it, then check it: drayage validate --config ${file}`,
    );
  }
}
