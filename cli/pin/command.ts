import type { Command } from 'commander';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { parseTagged } from '../shared/parse-image.ts';
import { waitOptions } from '../shared/wait-options.ts';
import { pinHelp, unpinHelp } from './help.ts';
import type { PinFlags } from './run.ts';

/** `drayage pin`: keeps a tag where it is. */
export function pinCommand(): Command {
  return changeCommand('pin', 'Keep a tag in the mirror where it is, whatever is pushed.', pinHelp);
}

/** `drayage unpin`: lets a tag follow its upstream again. */
export function unpinCommand(): Command {
  return changeCommand('unpin', 'Let a pinned tag follow its upstream again.', unpinHelp);
}

function changeCommand(kind: 'pin' | 'unpin', description: string, help: string): Command {
  const command = waitOptions(
    apiCommand(kind, description).argument('<ref>', 'the image, with its tag', parseTagged),
  ).addHelpText('after', help);
  return command.action((image: string, flags: PinFlags) =>
    runAction(command, async () => (await import('./run.ts')).runPin(kind, image, flags)),
  );
}
