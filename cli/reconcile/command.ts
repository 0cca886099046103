import type { Command } from 'commander';
import { type ApiFlags, apiCommand, runAction } from '../shared/api-command.ts';
import { parseImage } from '../shared/parse-image.ts';
import { reconcileHelp } from './help.ts';

/** `drayage reconcile`: compares upstreams with the mirror now. */
export function reconcileCommand(): Command {
  const command = apiCommand('reconcile', 'Compare upstreams with the mirror now, and queue what differs.')
    .argument(
      '[repository]',
      'a repository, without a tag (default: all that mirror.yaml covers)',
      parseImage,
    )
    .addHelpText('after', reconcileHelp);
  return command.action((repository: string | undefined, flags: ApiFlags) =>
    runAction(command, async () => (await import('./run.ts')).runReconcile(repository, flags)),
  );
}
