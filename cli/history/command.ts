import { type Command, Option } from 'commander';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { parseTagged } from '../shared/parse-image.ts';
import { historyHelp } from './help.ts';
import type { HistoryFlags } from './run.ts';

/** `drayage history`: what a tag was mapped to, and when. */
export function historyCommand(): Command {
  const command = apiCommand('history', 'Show what a tag was mapped to, and when.')
    .argument('<ref>', 'the image, with its tag', parseTagged)
    // Known, so that it can be refused with a reason.
    .addOption(new Option('--mapping <file>').hideHelp())
    .addHelpText('after', historyHelp);
  return command.action((image: string, flags: HistoryFlags) =>
    runAction(command, async () => (await import('./run.ts')).runHistory(image, flags)),
  );
}
