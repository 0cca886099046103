import { readFileSync } from 'node:fs';
import { fileFailure } from '../../core/config/file-failure.ts';
import { CommandError } from './command-error.ts';

/** What helps if the file of `--secrets` can't be used. */
export const secretsForm =
  'write one secret for each name in mirror.yaml: {"NAME": {"username": "…", "password": "…"}}';

/**
 * The secrets in the file of `--secrets`, each a JSON object, by name.
 *
 * @throws CommandError that contains none of the file's text
 */
export function readSecrets(file: string): Record<string, object> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // The message of a JSON error quotes the surrounding text, which may be a password here.
    if (error instanceof SyntaxError) throw new CommandError(`--secrets ${file} is not JSON`, secretsForm);
    const { reason, remedy } = fileFailure(error, file);
    throw new CommandError(`--secrets ${file} can’t be read: ${reason}`, remedy ?? secretsForm);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CommandError(`--secrets ${file} is not an object`, secretsForm);
  return value as Record<string, object>;
}
