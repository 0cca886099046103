import { Command, InvalidArgumentError } from 'commander';
import { InvalidPlatformError, type Platform, parsePlatform } from '../core/oci/platform.ts';
import { InvalidReferenceError, parseReference } from '../core/oci/reference.ts';
import type { CopyFlags, WrittenReference } from './copy/flags.ts';
import { copyHelp } from './copy-help.ts';

/** `drayage copy SRC DST`: images from registry to registry. */
export function copyCommand(): Command {
  const command = new Command('copy')
    .description(
      'Copy an image, or the tags of a repository, from registry to registry: only what is missing.',
    )
    .argument('<src>', 'image to read: registry/repository:tag or @digest', parseImage)
    .argument('<dst>', 'image to write', parseImage)
    .option('--platform <os/arch>', 'keep only this platform of an index; may be repeated', addPlatform, [])
    .option('--all-tags', 'copy every tag: SRC and DST are repositories', false)
    .option(
      '--include <pattern>',
      'with --all-tags: only tags like this, * is any characters; may be repeated',
      addEach,
      [],
    )
    .option('--exclude <pattern>', 'with --all-tags: no tags like this; may be repeated', addEach, [])
    .option('--semver <range>', 'with --all-tags: only versions in this range')
    .option('--latest <n>', 'with --all-tags: only the n newest versions', parseCount)
    .option('--dry-run', 'tell what would be copied; nothing is written', false)
    .option('--json', 'print the result as one JSON object', false)
    .option('--events', 'print what happens, a JSON object a line, before the result as JSON', false)
    .option('--plain-http', 'speak HTTP instead of HTTPS with both registries', false)
    .option('--src-plain-http', 'speak HTTP with the source', false)
    .option('--dst-plain-http', 'speak HTTP with the destination', false)
    .option('--auth-host <host>', 'another host that logins may be sent to; may be repeated', addHost, [])
    .addHelpText('after', copyHelp);
  return command.action(async (src: WrittenReference, dst: WrittenReference, flags: CopyFlags) => {
    // Loaded only here: the registry client would slow every other command's start.
    const { runCopy, UsageError } = await import('./copy/run.ts');
    try {
      await runCopy(src, dst, flags);
    } catch (error) {
      if (error instanceof UsageError) command.error(`error: ${error.message}`);
      throw error;
    }
  });
}

function parseImage(text: string): WrittenReference {
  try {
    return { reference: parseReference(text), text };
  } catch (error) {
    if (error instanceof InvalidReferenceError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

function addPlatform(text: string, before: Platform[]): Platform[] {
  try {
    return [...before, parsePlatform(text)];
  } catch (error) {
    if (error instanceof InvalidPlatformError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

function addEach(text: string, before: string[]): string[] {
  return [...before, text];
}

function addHost(text: string, before: string[]): string[] {
  if (/^[a-z0-9.-]+(:\d{1,5})?$/i.test(text)) return [...before, text];
  throw new InvalidArgumentError(
    'a host is written without scheme and path: auth.example or auth.example:8443',
  );
}

function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,5}$/.test(text) && count > 0) return count;
  throw new InvalidArgumentError('write a whole number from 1 on');
}
