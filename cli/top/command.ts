import type { Command } from 'commander';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { parseDuration } from '../shared/parse-duration.ts';
import { topHelp } from './help.ts';
import type { TopFlags } from './run.ts';

/** How often a deployment is asked if nobody says, seconds. */
const usualInterval = 2;

/** `drayage top`: what a deployment does, live. */
export function topCommand(): Command {
  const command = apiCommand('top', 'Show live what the deployment is doing.')
    .option('--interval <duration>', 'how often to update: 2s, 1m', parseDuration, usualInterval)
    .option('--once', 'print the state once, in lines for scripts, and exit', false)
    .addHelpText('after', topHelp);
  return command.action((flags: TopFlags) =>
    runAction(command, async () => (await import('./run.ts')).runTop(flags)),
  );
}
