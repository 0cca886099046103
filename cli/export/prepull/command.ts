import { Command, InvalidArgumentError } from 'commander';
import { InvalidPlatformError, parsePlatform } from '../../../core/oci/platform.ts';
import { addAddress, addressHelp, runAction } from '../../shared/api-command.ts';
import { parseCount } from '../../shared/parse-count.ts';
import { parseDuration } from '../../shared/parse-duration.ts';
import { parseImage } from '../../shared/parse-image.ts';
import { addSelection } from '../../shared/selection.ts';
import type { PrepullFlags } from './run.ts';

const help = `${addressHelp}

Examples:
  $ drayage export prepull | kubectl apply -f -
  $ drayage export prepull --since 7d --limit 50 --platform linux/arm64 --node-selector role=web
  $ drayage export prepull --kruise --registry ghcr.io

Exit codes: 0 done, 1 failed (also if nothing was mirrored in that time), 2 usage.`;

/** `drayage export prepull`: what pulls recently mirrored images on the nodes. */
export function prepullCommand(): Command {
  const command = addAddress(
    new Command('prepull').description(
      'DaemonSets that pull recently mirrored images on every node, before pods need them.',
    ),
  )
    .option('--since <duration>', 'images that were mirrored within this time (default: 24h)', parseDuration)
    .option(
      '--limit <count>',
      'only this many images for each platform, the newest (default: 20)',
      parseCount,
    )
    .option(
      '--platform <os/arch>',
      'a platform of the nodes; may be repeated (default: linux/amd64 and linux/arm64)',
      addPlatform,
    )
    .option('--node-selector <label=value>', 'only nodes that have this label; may be repeated', addLabel)
    .option('--namespace <namespace>', 'where the pods run (default: drayage)', parseNamespace)
    .option('--kruise', 'print ImagePullJobs of OpenKruise instead of DaemonSets')
    .option(
      '--helper-image <image>',
      'an image with a static /bin/busybox, for all these platforms (default: busybox:1.37.0-musl, from the mirror if it is there)',
      parseImage,
    );
  addSelection(command)
    .option('-o, --output <file>', 'write the result to this file, once it is complete')
    .addHelpText('after', help);
  return command.action((flags: PrepullFlags) =>
    runAction(command, async () => (await import('./run.ts')).runPrepull(flags)),
  );
}

function addPlatform(text: string, before: readonly string[] = []): string[] {
  try {
    parsePlatform(text);
  } catch (error) {
    if (error instanceof InvalidPlatformError) throw new InvalidArgumentError(error.message);
    throw error;
  }
  return [...before, text];
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const labelKey = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/;

function addLabel(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  const [key, value] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 0 || !labelKey.test(key) || !labelValue.test(value))
    throw new InvalidArgumentError('write a label of nodes and its value, such as role=web');
  return { ...before, [key]: value };
}

function parseNamespace(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('write the name of a namespace: lower-case letters, digits and dashes');
}
