import type { Command } from 'commander';
import { type ApiFlags, apiCommand, runAction } from '../shared/api-command.ts';
import { statusHelp } from './help.ts';

/** `drayage status`: how a deployment is doing. */
export function statusCommand(): Command {
  const command = apiCommand('status', 'Show how the deployment is doing.').addHelpText('after', statusHelp);
  return command.action((flags: ApiFlags) =>
    runAction(command, async () => (await import('./run.ts')).runStatus(flags)),
  );
}
