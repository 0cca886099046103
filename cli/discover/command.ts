import { type Command, Option } from 'commander';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { fileKindNames } from '../shared/file-kinds.ts';
import type { DiscoverFlags } from './flags.ts';
import { discoverHelp } from './help.ts';

const gathered = (value: string, before: string[] = []) => [...before, value];

/** `drayage discover`: from what runs to a mirror.yaml, and what one does not cover. */
export function discoverCommand(): Command {
  const command = apiCommand(
    'discover',
    'Write a mirror.yaml that covers what a cluster runs, or check one against it.',
  )
    .argument(
      '[file...]',
      'kubectl’s JSON, manifests and folders of them; standard input (also -) by default',
    )
    .option('--check <mirror.yaml>', 'write nothing; report which images its rules do not cover')
    .option('--mapping <file>', 'with --check: look images up in this file instead of asking the API')
    .optionsGroup('What is written:')
    .option(
      '--region <region>',
      'the AWS region of the mirror; with --check, the region whose mirror is compared',
    )
    .option(
      '--platform <platform>',
      'mirror only this platform, such as linux/arm64; may be repeated',
      gathered,
    )
    .option('--prefix <prefix>', 'the prefix of the mirror’s repositories (default: mirror)')
    .optionsGroup('What is read:')
    .option('--context <name>', 'run kubectl to read pods and nodes of this context')
    .option('--kubeconfig <file>', 'run kubectl with this file')
    .addOption(new Option('--as <kind>', 'what the files are').choices(fileKindNames))
    .option(
      '--image-path <kind=path>',
      'another field with references, such as Prometheus=spec.image; may be repeated',
      gathered,
    )
    .addHelpText('after', discoverHelp);
  return command.action((paths: string[], flags: DiscoverFlags) =>
    runAction(command, async () => (await import('./run.ts')).runDiscover(paths, flags)),
  );
}
