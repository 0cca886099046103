import { Command, Option } from 'commander';
import { missingChoices } from '../../core/admission/choice.ts';
import { addAddress, runAction } from '../shared/api-command.ts';
import { parseDuration } from '../shared/parse-duration.ts';
import { admissionHelp } from './help.ts';
import { parseListenAddress } from './listen-address.ts';
import type { AdmissionFlags } from './run.ts';

/** `drayage admission`: a server that answers apiservers and Gatekeeper. */
export function admissionCommand(): Command {
  const command = addAddress(
    new Command('admission').description(
      'Run the admission webhook’s server: new pods in a cluster name the mirror’s images.',
    ),
  )
    .requiredOption('--listen <host:port>', 'the address to listen on', parseListenAddress)
    .option('--tls-cert <file>', 'the certificate and its chain, in PEM')
    .option('--tls-key <file>', 'its key, in PEM')
    .option('--mapping <file>', 'take the mapping from this file instead of the API')
    .option('--region <region>', 'use the mirror registry of this region')
    .option('--data <folder>', 'keep the mapping here, to start without the API')
    .addOption(
      new Option('--refresh <duration>', 'how often to fetch the mapping')
        .argParser(parseDuration)
        .default(30, '30s'),
    )
    .addOption(
      new Option('--drain <duration>', 'how long to keep answering after SIGTERM')
        .argParser(parseDuration)
        .default(5, '5s'),
    )
    .addOption(
      new Option('--missing <what>', 'what to do with images that are not mirrored')
        .choices(missingChoices)
        .default('keep'),
    )
    .option('--tags', 'name the mirror’s tag, which moves, instead of the digest')
    .addHelpText('after', admissionHelp);
  return command.action((flags: AdmissionFlags) =>
    runAction(command, async () => (await import('./run.ts')).runAdmission(flags)),
  );
}
