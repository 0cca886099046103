import { Command } from 'commander';
import { parsePlace } from '../shared/parse-place.ts';
import type { PlanFlags } from './flags.ts';
import { planHelp } from './help.ts';

/** `drayage plan`: what the rules of mirror.yaml would mirror, and what that costs. */
export function planCommand(): Command {
  return new Command('plan')
    .description(
      'Show what would be mirrored: tags, bytes, how much of it is there already, and what it costs a month.',
    )
    .option('--config <file>', 'the configuration', 'mirror.yaml')
    .option(
      '--to <registry/prefix>',
      'the mirror to compare with (default: Amazon ECR in the first region of the configuration)',
      parsePlace,
    )
    .option('--json', 'print the result as one JSON object', false)
    .optionsGroup('Registries:')
    .option(
      '--secrets <file>',
      'JSON with the secrets that credentials in the configuration name: {"name": {"username", "password"}}',
    )
    .option('--dst-plain-http', 'speak HTTP with the mirror', false)
    .option('--ca-file <file>', 'also trust the certificate authorities in this PEM file')
    .addHelpText('after', planHelp)
    .action(async (flags: PlanFlags) => {
      // Loaded only here: the registry client would slow every other command's start.
      const { runPlan } = await import('./run.ts');
      await runPlan(flags);
    });
}
