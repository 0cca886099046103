import { type Command, Option } from 'commander';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { parseDuration } from '../shared/parse-duration.ts';
import { parseImage } from '../shared/parse-image.ts';
import { pruneHelp } from './help.ts';
import type { PruneFlags } from './run.ts';

/** `drayage prune`: deletes images from the mirror that nobody needs, as `retention` says. */
export function pruneCommand(): Command {
  const command = apiCommand(
    'prune',
    'List the images that retention allows Drayage to delete; with --delete, delete them.',
  )
    .argument(
      '[repository]',
      'a repository, without a tag (default: all whose rules have retention)',
      parseImage,
    )
    .addOption(new Option('--dry-run', 'only list what would be deleted (the default)').conflicts('delete'))
    .option('--timeout <duration>', 'how long to wait: 90s, 10m (default: until it is done)', parseDuration)
    .option('--delete', 'delete these images; this can’t be undone')
    .addHelpText('after', pruneHelp);
  return command.action((repository: string | undefined, flags: PruneFlags) =>
    runAction(command, async () => (await import('./run.ts')).runPrune(repository, flags)),
  );
}
