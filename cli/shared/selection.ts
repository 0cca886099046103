import type { Command } from 'commander';

/** Adds the options that say which mappings are exported, and where they come from. */
export function addSelection(command: Command): Command {
  return command
    .option('--registry <registry>', 'only images of this upstream registry')
    .option('--repository <repository>', 'only images of this upstream repository, without the registry')
    .option('--region <region>', 'only images that the mirror of this region has')
    .option('--mapping <file>', 'read the mappings from this file instead of asking the API');
}
