import type { Command } from 'commander';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { parseImage } from '../shared/parse-image.ts';
import { waitOptions } from '../shared/wait-options.ts';
import { reconcileHelp } from './help.ts';
import type { ReconcileFlags } from './run.ts';

/** `drayage reconcile`: compares upstreams with the mirror now. */
export function reconcileCommand(): Command {
  const command = waitOptions(
    apiCommand('reconcile', 'Compare upstreams with the mirror now, and queue what differs.')
      .argument(
        '[repository]',
        'a repository, without a tag (default: all that mirror.yaml covers)',
        parseImage,
      )
      .option('--dry-run', 'only list what would be queued, unmapped and corrected'),
  ).addHelpText('after', reconcileHelp);
  return command.action((repository: string | undefined, flags: ReconcileFlags) =>
    runAction(command, async () => (await import('./run.ts')).runReconcile(repository, flags)),
  );
}
