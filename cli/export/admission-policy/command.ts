import { Command, Option } from 'commander';
import { addAddress, runAction } from '../../shared/api-command.ts';
import { UsageError } from '../../shared/usage-error.ts';
import {
  type AdmissionPolicyFlags,
  addScope,
  parseFallback,
  parseMirror,
  parseRegion,
  parseSchedule,
  parseSyncImage,
} from './flags.ts';
import { admissionPolicyHelp } from './help.ts';

/** `drayage export admission-policy`: manifests that make a cluster use the mirror. */
export function admissionPolicyCommand(): Command {
  const command = addAddress(
    new Command('admission-policy').description(
      'Manifests that make a cluster use the mirror: a policy that the apiserver runs, and a CronJob.',
    ),
  )
    .option('--mapping <file>', 'read the mappings from this file instead of asking the API')
    .option('-o, --output <file>', 'write the result to this file, once it is complete')
    .option('--region <region>', 'use the mirror registry of this region', parseRegion)
    .option(
      '--mirror <registry/prefix>',
      'where the mirror keeps its repositories, if no mapping says so',
      parseMirror,
    )
    .optionsGroup('What is printed:')
    .option('--literals', 'a policy with the mapping in it, without a CronJob')
    .option('--keep', 'also a policy that keeps bare pods when their manifests are applied again')
    .addOption(
      new Option(
        '--fallback <registry[=place]>',
        'also rewrite images of this registry that are not mapped, keeping their tags: docker.io=registry/prefix; may be repeated',
      )
        .argParser(parseFallback)
        .default(new Map(), 'such images keep the upstream’s name'),
    );
  addScope(command)
    .optionsGroup('The CronJob:')
    .option('--schedule <cron>', 'when it fetches the mapping', parseSchedule, '*/5 * * * *')
    .option(
      '--sync-image <image>',
      'its image, with sh, curl and busybox',
      parseSyncImage,
      'docker.io/curlimages/curl:8.16.0',
    )
    .addHelpText('after', admissionPolicyHelp);
  return command.action((flags: AdmissionPolicyFlags) =>
    runAction(command, async () => {
      if (flags.literals) refuseCronJobOptions(command);
      await (await import('./run.ts')).runAdmissionPolicy(flags);
    }),
  );
}

/** With `--literals` there is no CronJob, so its options would do nothing. */
function refuseCronJobOptions(command: Command): void {
  for (const option of command.options.filter(({ long }) => long === '--schedule' || long === '--sync-image'))
    if (command.getOptionValueSource(option.attributeName()) === 'cli')
      throw new UsageError(`${option.long} is for the CronJob, which --literals does without: leave one out`);
}
