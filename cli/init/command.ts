import { Command, InvalidArgumentError } from 'commander';
import { InvalidReferenceError, parseReference, type Reference } from '../../core/oci/reference.ts';
import type { InitOptions } from './options.ts';

const help = `
Without --from, the file has an example for each common registry. With --from, it mirrors those images: a
repository with all of its tags, an image with its tag.

Examples:
  drayage init
  drayage init --from ghcr.io/acme/shop --from docker.io/library/nginx:1.27 --region eu-central-1
  drayage init --config -                     print it

Next: drayage validate checks it, drayage local runs it on this machine, cdk deploy runs it on AWS.
`;

/** `drayage init`: writes a first mirror.yaml. */
export function initCommand(): Command {
  return new Command('init')
    .description('Write a first, commented mirror.yaml.')
    .option('--from <image...>', 'mirror these repositories or images; may be repeated', addImage, [])
    .option('--region <region>', 'the AWS region of the mirror', 'eu-west-1')
    .option('--config <file>', 'the file to write; - prints it', 'mirror.yaml')
    .option('--force', 'overwrite an existing file', false)
    .addHelpText('after', help)
    .action(async (options: InitOptions) => {
      const { runInit } = await import('./run.ts');
      runInit(options);
    });
}

function addImage(text: string, before: Reference[]): Reference[] {
  try {
    // Without a tag the whole repository is meant, not its tag `latest`.
    const reference = parseReference(text);
    const isWhole = !/[:@]/.test(text.slice(text.lastIndexOf('/') + 1));
    const { registry, repository } = reference;
    return [...before, isWhole ? { registry, repository } : reference];
  } catch (error) {
    if (error instanceof InvalidReferenceError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
