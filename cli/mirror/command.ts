import type { Command } from 'commander';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { addImage } from '../shared/parse-image.ts';
import { waitOptions } from '../shared/wait-options.ts';
import { mirrorHelp } from './help.ts';
import type { MirrorFlags } from './run.ts';

/** `drayage mirror`: queues images on demand, and follows them to the end. */
export function mirrorCommand(): Command {
  const command = waitOptions(
    apiCommand('mirror', 'Mirror images now, and follow their jobs to the end.').argument(
      '<ref...>',
      'the images, which rules of mirror.yaml name',
      addImage,
    ),
  ).addHelpText('after', mirrorHelp);
  return command.action((images: string[], flags: MirrorFlags) =>
    runAction(command, async () => (await import('./run.ts')).runMirror(images, flags)),
  );
}
