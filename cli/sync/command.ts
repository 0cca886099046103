import { Command } from 'commander';
import { parseCount } from '../shared/parse-count.ts';
import { parsePlace } from '../shared/parse-place.ts';
import type { SyncFlags } from './flags.ts';
import { syncHelp } from './help.ts';

/** `drayage sync`: copies what the rules of mirror.yaml name, registry to registry. */
export function syncCommand(): Command {
  const command = new Command('sync')
    .description('Copy what the rules of mirror.yaml name, registry to registry: once, without a pipeline.')
    .option('--config <file>', 'the configuration', 'mirror.yaml')
    .option(
      '--to <registry/prefix>',
      'where to copy to (default: Amazon ECR in the first region of the configuration)',
      parsePlace,
    )
    .option('--dry-run', 'show what would be copied; write nothing', false)
    .option(
      '--parallel <n>',
      'copy at most n images at once (default: as many as the registries take)',
      parseCount,
    )
    .optionsGroup('Output:')
    .option('--json', 'print the result as one JSON object', false)
    .option('--mapping <file>', 'write where each image is, as the mapping API tells it')
    .optionsGroup('Registries:')
    .option(
      '--secrets <file>',
      'JSON with the secrets that credentials in the configuration name: {"name": {"username", "password"}}',
    )
    .option('--dst-plain-http', 'speak HTTP with the destination', false)
    .option('--ca-file <file>', 'also trust the certificate authorities in this PEM file')
    .addHelpText('after', syncHelp);
  return command.action(async (flags: SyncFlags) => {
    if (flags.dryRun && flags.mapping !== undefined)
      command.error('error: --dry-run copies nothing that a mapping could name: leave out --mapping');
    // Loaded only here: the registry client would slow every other command's start.
    const { runSync } = await import('./run.ts');
    await runSync(flags);
  });
}
