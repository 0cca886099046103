import { Command, InvalidArgumentError } from 'commander';
import { InvalidPlatformError, type Platform, parsePlatform } from '../core/oci/platform.ts';
import { InvalidReferenceError, parseReference, type Reference } from '../core/oci/reference.ts';
import type { CopyFlags } from './copy/run.ts';

/** `drayage copy SRC DST`: one image from registry to registry. */
export function copyCommand(): Command {
  return new Command('copy')
    .description('Copy one image from registry to registry: only the blobs that the destination lacks.')
    .argument('<src>', 'image reference to read', parseImage)
    .argument('<dst>', 'image reference to write', parseImage)
    .option(
      '--platform <os/arch>',
      'keep only this platform of an index; may be given several times',
      addPlatform,
      [],
    )
    .option('--json', 'print the result as JSON', false)
    .option('--plain-http', 'speak HTTP instead of HTTPS with both registries', false)
    .addHelpText(
      'after',
      `
Example:
  $ drayage copy docker.io/library/alpine:3.22 localhost:5000/alpine:3.22 --plain-http --platform linux/amd64

The digest is preserved unless --platform leaves something out: then a smaller index with a digest of its own is made.`,
    )
    .action(async (src: Reference, dst: Reference, flags: CopyFlags) => {
      // Loaded only here: the registry client would slow every other command's start.
      const { runCopy } = await import('./copy/run.ts');
      await runCopy(src, dst, flags);
    });
}

function parseImage(text: string): Reference {
  try {
    return parseReference(text);
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
