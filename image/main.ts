/**
 * `npm run image`: builds the container image of the command without a container engine
 * (docs/image.md).
 */
import { Command, CommanderError } from 'commander';
import { addPlatform } from '../cli/shared/add-platform.ts';
import { formatBytes } from '../cli/shared/format.ts';
import { onInterrupt } from '../cli/shared/interruption.ts';
import { parseReferenceArgument } from '../cli/shared/parse-image.ts';
import { UsageError } from '../cli/shared/usage-error.ts';
import type { Platform } from '../core/oci/platform.ts';
import type { Reference } from '../core/oci/reference.ts';
import { defaultBase } from './base.ts';
import { buildImage } from './run.ts';

interface Options {
  base: Reference;
  to?: Reference;
  output?: string;
  platform?: Platform[];
  node?: string;
  createRepository?: boolean;
  plainHttp?: boolean;
  caFile?: string;
}

const command = new Command('npm run image --')
  .description('Build the container image of the drayage command, without a container engine.')
  .option(
    '--base <image>',
    'what it is built on: an image with Node 24',
    parseReferenceArgument,
    parseReferenceArgument(defaultBase),
  )
  .option('--to <image>', 'push it there (default tag: the version)', parseTarget)
  .option('--output <folder>', 'write it there, as an OCI layout')
  .option('--platform <os/arch>', 'only this platform of the base; may be repeated', addPlatform)
  .option('--node <path>', 'where Node is in the base (default: its entrypoint, or node on its PATH)')
  .option('--create-repository', 'create the repository if it is missing (Amazon ECR)')
  .option('--plain-http', 'speak HTTP instead of HTTPS with the registries')
  .option('--ca-file <file>', 'also trust the certificate authorities in this PEM file')
  .showHelpAfterError('(--help explains the command)')
  .exitOverride()
  .addHelpText(
    'after',
    `
Prints the image with its digest. The same sources, base and Node give the same digest.
SOURCE_DATE_EPOCH sets the time in its configuration.`,
  )
  .action(run);

try {
  await command.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    process.stderr.write(`npm run image: ${error instanceof Error ? error.message : String(error)}\n`);
    const { remedy } = (error ?? {}) as { remedy?: unknown };
    if (typeof remedy === 'string') process.stderr.write(`  ${remedy}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

async function run(given: Options): Promise<void> {
  const interrupt = new AbortController();
  const release = onInterrupt(() => interrupt.abort(new Error('interrupted; no tag was put')));
  try {
    const { digest, platforms, layerBytes, names } = await buildImage({
      base: given.base,
      to: given.to,
      output: given.output,
      platforms: given.platform ?? [],
      node: given.node,
      createRepository: given.createRepository ?? false,
      created: createdAt(process.env.SOURCE_DATE_EPOCH),
      endpoints: {
        plainHttp: given.plainHttp ?? false,
        srcPlainHttp: false,
        dstPlainHttp: false,
        authHost: [],
        redirectHost: [],
        ...(given.caFile !== undefined && { caFile: given.caFile }),
      },
      signal: interrupt.signal,
    });
    process.stderr.write(
      `${digest} for ${platforms.join(', ')}; the layer above the base has ${formatBytes(layerBytes)}\n`,
    );
    for (const name of names) process.stdout.write(`${name}\n`);
  } finally {
    release();
  }
}

/**
 * https://reproducible-builds.org/docs/source-date-epoch/; without it, a fixed time, which npm
 * gives to the files of packages.
 */
function createdAt(epoch: string | undefined): Date {
  if (epoch === undefined || epoch === '') return new Date('1985-10-26T08:15:00Z');
  const created = new Date(Number(epoch) * 1000);
  if (/^\d+$/.test(epoch) && !Number.isNaN(created.getTime())) return created;
  throw new UsageError(
    `SOURCE_DATE_EPOCH is ${JSON.stringify(epoch)}: write seconds since 1970, or unset it`,
  );
}

/** Without a tag if none is written. A colon before the last slash is a port's. */
function parseTarget(text: string): Reference {
  const { tag, ...rest } = parseReferenceArgument(text);
  return text.slice(text.lastIndexOf('/') + 1).includes(':') && tag ? { ...rest, tag } : rest;
}
