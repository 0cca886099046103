import { type Command, Option } from 'commander';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { fileKindNames } from '../shared/file-kinds.ts';
import type { MissingChoice, RewriteFlags } from './flags.ts';
import { rewriteHelp } from './help.ts';

const missingChoices: Record<MissingChoice, true> = { keep: true, fail: true, enqueue: true };

/** `drayage rewrite`: manifests in, manifests out. */
export function rewriteCommand(): Command {
  const command = apiCommand(
    'rewrite',
    'Rewrite manifests, Dockerfiles and the like to use the mirror: only the references change.',
  )
    .argument('[file...]', 'files and folders; standard input (also -) by default')
    .option('--mapping <file>', 'look images up in this file instead of asking the API')
    .option('--region <region>', 'use the mirror registry of this region')
    .optionsGroup('How references change:')
    .option('--tags', 'name the mirror’s tag, which moves, instead of the digest')
    .option(
      '--pull-policy',
      'also turn imagePullPolicy Always into IfNotPresent where Kubernetes has filled it in',
    )
    .addOption(
      new Option(
        '--missing <what>',
        'what to do if images are not mirrored: keep them, fail, or keep and enqueue them (default: keep)',
      ).choices(Object.keys(missingChoices)),
    )
    .optionsGroup('What is printed:')
    .option(
      '--check',
      'write nothing; list the images that are not mirrored, and exit with 3 if there are any',
    )
    .option('--diff', 'print a unified diff')
    .option('--write', 'change the files')
    .optionsGroup('What is read:')
    .addOption(new Option('--as <kind>', 'what the input is').choices(fileKindNames))
    .option(
      '--image-path <kind=path>',
      'another field with references, such as Prometheus=spec.image or Thing.example.com=spec.parts[].image; may be repeated',
      (path: string, before: string[] = []) => [...before, path],
    )
    .option('--krm', 'act as a KRM function: a ResourceList in, a ResourceList out')
    .option('--plugin-config <file>', 'act as a kustomize plugin, whose configuration file sets options')
    .addHelpText('after', rewriteHelp);
  return command.action((paths: string[], flags: RewriteFlags) =>
    runAction(command, async () => (await import('./run.ts')).runRewrite(paths, flags)),
  );
}
