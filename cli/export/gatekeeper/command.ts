import { Command, Option } from 'commander';
import { runAction } from '../../shared/api-command.ts';
import { addScope } from '../admission-policy/flags.ts';
import { parseTimeout } from '../admission-webhook/flags.ts';
import type { GatekeeperFlags } from './run.ts';

/** `drayage export gatekeeper`: manifests by which Gatekeeper rewrites images. */
export function gatekeeperCommand(): Command {
  const command = new Command('gatekeeper')
    .description(
      'Manifests that make Gatekeeper rewrite pods, by asking the webhook’s server in the cluster.',
    )
    .requiredOption('--ca-bundle <file>', 'the authority that signed the server’s certificate, in PEM')
    .addOption(
      new Option('--timeout <duration>', 'how long Gatekeeper waits')
        .argParser(parseTimeout)
        .default(1, '1s'),
    )
    .option('-o, --output <file>', 'write the result to this file, once it is complete');
  addScope(command).addHelpText(
    'after',
    `
For each image, Gatekeeper (3.11 or later) asks the server that drayage export admission-webhook --in-cluster deploys.
--ca-bundle is the authority that signed the server’s certificate: with cert-manager, ca.crt in the Secret drayage-admission-tls.

Examples:
  $ drayage export gatekeeper --ca-bundle ca.crt | kubectl apply -f -

Exit codes: 0 done, 1 failed, 2 usage. docs/admission-webhook.md has the details.`,
  );
  return command.action((flags: GatekeeperFlags) =>
    runAction(command, async () => (await import('./run.ts')).runGatekeeper(flags)),
  );
}
