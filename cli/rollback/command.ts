import { type Command, InvalidArgumentError } from 'commander';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { parseTagged } from '../shared/parse-image.ts';
import { waitOptions } from '../shared/wait-options.ts';
import { rollbackHelp } from './help.ts';
import type { RollbackFlags } from './run.ts';

/** `drayage rollback`: moves a tag in the mirror back to an earlier image, and pins it. */
export function rollbackCommand(): Command {
  const command = waitOptions(
    apiCommand('rollback', 'Move a tag in the mirror back to an earlier image, and pin it there.')
      .argument('<ref>', 'the image, with its tag', parseTagged)
      .argument('<digest>', 'a digest of its history, or the beginning of one', parseDigestPrefix),
  ).addHelpText('after', rollbackHelp);
  return command.action((image: string, digest: string, flags: RollbackFlags) =>
    runAction(command, async () => (await import('./run.ts')).runRollback(image, digest, flags)),
  );
}

/** With fewer digits, a prefix is more likely a mistake than a choice. */
const fewestDigits = 4;

/** `sha256:5f641c…` or its digits alone, in lower case. */
function parseDigestPrefix(text: string): string {
  const [, algorithm = 'sha256:', digits = ''] = /^(sha256:|sha512:)?([0-9a-f]{1,128})$/.exec(text) ?? [];
  if (digits.length >= fewestDigits) return `${algorithm}${digits}`;
  throw new InvalidArgumentError(
    `write a digest, or at least ${fewestDigits} of its hexadecimal digits: sha256:5f641ca002a3`,
  );
}
