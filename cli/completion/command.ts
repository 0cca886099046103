import { Argument, Command } from 'commander';
import { completionHelp } from './help.ts';
import type { Shell } from './print-script.ts';

const shells: Record<Shell, true> = { bash: true, zsh: true, fish: true };

/** `drayage completion`: a script with which a shell completes this command. */
export function completionCommand(): Command {
  return new Command('completion')
    .description('Print a script with which a shell completes drayage’s commands, options and images.')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(shells)))
    .addHelpText('after', completionHelp)
    .action(async (shell: Shell, _flags: object, command: Command) => {
      const { printScript } = await import('./print-script.ts');
      printScript(shell, command.parent ?? command);
    });
}

/** `drayage complete`: what the scripts call to complete what only the API knows. */
export function completeCommand(): Command {
  return new Command('complete')
    .addArgument(new Argument('<what>').choices(['images']))
    .argument('[word]', 'how it begins', '')
    .option('--refresh')
    .action(async (_what: string, word: string, flags: { refresh?: boolean }) => {
      const { completeImages, refreshImages } = await import('./complete-images.ts');
      await (flags.refresh ? refreshImages() : completeImages(word));
    });
}
