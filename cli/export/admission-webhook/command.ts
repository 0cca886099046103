import { Command, Option } from 'commander';
import { missingChoices } from '../../../core/admission/choice.ts';
import { addAddress, runAction } from '../../shared/api-command.ts';
import { parseCount } from '../../shared/parse-count.ts';
import { addScope, parseRegion, parseSyncImage } from '../admission-policy/flags.ts';
import { type AdmissionWebhookFlags, parseIssuer, parseRefresh, parseTimeout } from './flags.ts';
import { admissionWebhookHelp } from './help.ts';

/** `drayage export admission-webhook`: manifests of a webhook that rewrites a cluster’s pods. */
export function admissionWebhookCommand(): Command {
  const command = addAddress(
    new Command('admission-webhook').description(
      'Manifests that make a cluster use the mirror: a webhook, served by the API or by a server in the cluster.',
    ),
  )
    .addOption(
      new Option('--missing <what>', 'what to do with images that are not mirrored')
        .choices(missingChoices)
        .default('keep'),
    )
    .option('--tags', 'name the mirror’s tag, which moves, instead of the digest')
    .option(
      '--timeout <duration>',
      'how long the apiserver waits (default: 5s, in the cluster 2s)',
      parseTimeout,
    )
    .option('--ca-bundle <file>', 'the authority that signed the certificate, in PEM')
    .option('--reached-at <url>', 'the address at which the cluster reaches the API, if it is not --api')
    .option('-o, --output <file>', 'write the result to this file, once it is complete')
    .optionsGroup('A server in the cluster:')
    .option('--in-cluster', 'print a server that runs in the cluster')
    .option('--image <image>', 'the image of the drayage command; npm run image builds it', parseSyncImage)
    .option('--replicas <count>', 'how many pods run (default: 2)', parseCount)
    .option('--refresh <duration>', 'how often the mapping is fetched (default: 30s)', parseRefresh)
    .option('--region <region>', 'use the mirror registry of this region', parseRegion)
    .option(
      '--cert-manager [kind/issuer]',
      'let cert-manager issue the certificate, from ClusterIssuer/NAME or Issuer/NAME; self-signed by default',
      parseIssuer,
    );
  addScope(command).addHelpText('after', admissionWebhookHelp);
  return command.action((flags: AdmissionWebhookFlags) =>
    runAction(command, async () => (await import('./run.ts')).runAdmissionWebhook(flags)),
  );
}
