import { Command, InvalidArgumentError } from 'commander';
import { durationProblem, durationSeconds } from '../../core/config/duration.ts';
import { addPlatform } from '../shared/add-platform.ts';
import { parseCount } from '../shared/parse-count.ts';
import { parseReferenceArgument } from '../shared/parse-image.ts';
import { UsageError } from '../shared/usage-error.ts';
import type { CopyFlags, WrittenReference } from './flags.ts';
import { copyHelp } from './help.ts';

/** Options that are not given; commander would show defaults of its own in the help. */
const unset: CopyFlags = {
  platform: [],
  referrers: false,
  allTags: false,
  include: [],
  exclude: [],
  dryRun: false,
  createRepository: false,
  json: false,
  events: false,
  plainHttp: false,
  srcPlainHttp: false,
  dstPlainHttp: false,
  authHost: [],
  redirectHost: [],
};

/** The options as commander passes them. */
type CopyOptions = Partial<Omit<CopyFlags, 'timeoutMs'>> & { timeout?: number };

/** `drayage copy SRC DST`: images from registry to registry. */
export function copyCommand(): Command {
  const command = new Command('copy')
    .description('Copy an image, or the tags of a repository, between registries: only what is missing.')
    .argument('<src>', 'image to read: registry/repository:tag or @digest', parseImage)
    .argument('<dst>', 'image to write', parseImage)
    .option('--platform <os/arch>', 'keep only this platform of an index; may be repeated', addPlatform)
    .option('--referrers', 'also copy each image’s signatures, SBOMs and the like')
    .option('--dry-run', 'show what would be copied; write nothing')
    .option('--create-repository', 'create the destination’s repository if it is missing (Amazon ECR)')
    .optionsGroup('Tags of a repository:')
    .option('--all-tags', 'copy every tag but those of signatures: SRC and DST are repositories')
    .option(
      '--include <pattern>',
      'only tags that match; * stands for any characters; may be repeated',
      addText,
    )
    .option('--exclude <pattern>', 'no tags that match; may be repeated', addText)
    .option('--semver <range>', 'only versions in this range')
    .option('--latest <n>', 'only the n newest versions', parseCount)
    .option(
      '--parallel <n>',
      'copy at most n images at once (default: as many as the registries take)',
      parseCount,
    )
    .optionsGroup('Output:')
    .option('--json', 'print the result as one JSON object')
    .option('--events', 'print events, one JSON object per line, and then the result as JSON')
    .optionsGroup('Registries:')
    .option('--plain-http', 'speak HTTP instead of HTTPS with both')
    .option('--src-plain-http', 'speak HTTP with the source')
    .option('--dst-plain-http', 'speak HTTP with the destination')
    .option('--auth-host <host>', 'another host that logins may be sent to; may be repeated', addHost)
    .option('--ca-file <file>', 'also trust the certificate authorities in this PEM file')
    .option(
      '--redirect-host <host>',
      'a host with a private address that downloads may be redirected to; may be repeated',
      addHost,
    )
    .option(
      '--timeout <duration>',
      'wait this long for the first byte of a response (default: 3m for manifests and blobs)',
      parseTimeout,
    )
    .addHelpText('after', copyHelp);
  return command.action(async (src: WrittenReference, dst: WrittenReference, given: CopyOptions) => {
    // Loaded only here: the registry client would slow every other command's start.
    const { runCopy } = await import('./run.ts');
    try {
      const { timeout, ...flags } = given;
      await runCopy(src, dst, { ...unset, ...flags, ...(timeout !== undefined && { timeoutMs: timeout }) });
    } catch (error) {
      if (error instanceof UsageError) command.error(`error: ${error.message}`);
      throw error;
    }
  });
}

function parseImage(text: string): WrittenReference {
  return { reference: parseReferenceArgument(text), text };
}

function addText(text: string, before: string[] = []): string[] {
  return [...before, text];
}

function addHost(text: string, before: string[] = []): string[] {
  if (/^[a-z0-9.-]+(:\d{1,5})?$/i.test(text)) return [...before, text];
  throw new InvalidArgumentError('write the host without scheme and path: auth.example or auth.example:8443');
}

/** In milliseconds. */
function parseTimeout(text: string): number {
  const problem = durationProblem(text);
  if (problem !== undefined) throw new InvalidArgumentError(problem);
  return (durationSeconds(text) ?? 0) * 1000;
}
