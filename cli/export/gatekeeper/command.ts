import { Command } from 'commander';
import { runAction } from '../../shared/api-command.ts';
import { addScope, parseTimeout } from '../admission-webhook/flags.ts';
import type { GatekeeperFlags } from './run.ts';

/** `drayage export gatekeeper`: manifests by which Gatekeeper rewrites images. */
export function gatekeeperCommand(): Command {
  const command = new Command('gatekeeper')
    .description(
      'Manifests that make a cluster use the mirror through Gatekeeper, and the server in the cluster.',
    )
    .requiredOption('--ca-bundle <file>', 'the authority that signed the server’s certificate, in PEM')
    .option('--timeout <duration>', 'how long Gatekeeper waits', parseTimeout, 1)
    .option('-o, --output <file>', 'write the result to this file, once it is complete');
  addScope(command).addHelpText(
    'after',
    `
Gatekeeper (3.11 or later) asks the server of drayage export admission-webhook --in-cluster about each image. The server
needs a certificate whose authority --ca-bundle names: with cert-manager, it is ca.crt of the Secret drayage-admission-tls.

Examples:
  $ drayage export gatekeeper --ca-bundle ca.crt | kubectl apply -f -

Exit codes: 0 done, 1 failed, 2 usage. docs/admission-webhook.md has the details.`,
  );
  return command.action((flags: GatekeeperFlags) =>
    runAction(command, async () => (await import('./run.ts')).runGatekeeper(flags)),
  );
}
