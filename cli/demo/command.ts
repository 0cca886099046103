import { Command } from 'commander';

const help = `
Needs only Node: no network, no AWS account, no container engine. In about ten seconds it

  1. starts a registry that plays ghcr.io, and the pipeline of 'drayage local', on free ports;
  2. builds an image from what is installed here: this Node, packages, Drayage's own source;
  3. pushes it, sends the webhook that GitHub would send, and follows the job to the mapping;
  4. changes one file, repeats that, and shows that only the changed layer and the config are copied;
  5. pulls the image through the mirror, and compares every byte with what was built.

Each claim is checked. The first that does not hold ends the demo with exit code 1, what was
wrong, and the pipeline's log. Files are in a temporary folder that is removed, also after Ctrl-C.
A terminal gets colours (unless NO_COLOR is set) and a progress bar; a pipe gets plain lines.

Then, with images of your own:
  $ drayage local --config mirror.yaml
`;

/** `drayage demo`: runs the whole pipeline with a real image, and checks every claim. */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'See the whole pipeline work on this machine: a push, a webhook, and only missing layers are copied.',
    )
    .addHelpText('after', help)
    .action(async () => {
      // Loaded only here: the emulators would slow every other command's start.
      const { runDemo } = await import('./run.ts');
      await runDemo();
    });
}
