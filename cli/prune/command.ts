import { type Command, Option } from 'commander';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { parseImage } from '../shared/parse-image.ts';
import { pruneHelp } from './help.ts';
import type { PruneFlags } from './run.ts';

/** `drayage prune`: deletes images from the mirror that nobody needs, as `retention` says. */
export function pruneCommand(): Command {
  const command = apiCommand('prune', 'Tell which images retention lets go, and delete them with --delete.')
    .argument(
      '[repository]',
      'a repository, without a tag (default: all whose rules have retention)',
      parseImage,
    )
    .addOption(new Option('--dry-run', 'only tell what would be deleted (the default)').conflicts('delete'))
    .option('--delete', 'delete it')
    .addHelpText('after', pruneHelp);
  return command.action((repository: string | undefined, flags: PruneFlags) =>
    runAction(command, async () => (await import('./run.ts')).runPrune(repository, flags)),
  );
}
