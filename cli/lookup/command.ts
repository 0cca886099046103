import type { Command } from 'commander';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { addImage } from '../shared/parse-image.ts';
import { lookupHelp } from './help.ts';
import type { LookupFlags } from './run.ts';

/** `drayage lookup`: where images are in the mirror. */
export function lookupCommand(): Command {
  const command = apiCommand('lookup', 'Say where images are in the mirror.')
    .argument('<ref...>', 'the images, as they are named upstream', addImage)
    .option('--mapping <file>', 'look them up in this file instead of asking the API')
    .option('--region <region>', 'in the mirror registry of this region')
    .option('--pinned', 'print references by digest, which stay the same when the tag moves')
    .option('--long', 'print a table: image, mirror, digest, platforms, size, age')
    .addHelpText('after', lookupHelp);
  return command.action((images: string[], flags: LookupFlags) =>
    runAction(command, async () => (await import('./run.ts')).runLookup(images, flags)),
  );
}
