import { Command, InvalidArgumentError } from 'commander';
import { onInterrupt } from '../shared/interruption.ts';
import type { LocalFlags } from './flags.ts';

/** `drayage local`: the whole pipeline on this machine, until it is interrupted. */
export function localCommand(): Command {
  return new Command('local')
    .description(
      'Run the whole pipeline on this machine: webhooks, queue, workers, a registry that behaves like ECR, mapping API.',
    )
    .option('--config <file>', 'the configuration', 'mirror.yaml')
    .option('--port <number>', "the API's port; 0 takes a free one", parsePort, 0)
    .option('--data <folder>', 'keep images, mappings, jobs and webhook secrets across restarts')
    .option('--auth', 'require API tokens, and the registry password for pulls', false)
    .option(
      '--secrets <file>',
      'JSON with the secrets that the configuration names: {"name": {"username", "password"}}, for notify {"secret"}',
    )
    .addHelpText(
      'after',
      `
The first line on standard output is JSON: the addresses of API, registry and queue, each webhook’s URL and what to paste
at the upstream, and with --auth the API's tokens. Logs go to standard error. Ctrl-C stops it.

On a terminal the same follows in plain lines, with commands to try, and then a line for each delivery and each job. It
shows only warnings and errors of the logs; with POWERTOOLS_LOG_LEVEL=INFO in the environment, all logs, as JSON.

As when deployed, what the rules name is mirrored without any event, from a minute after the start. If that is too much for
this machine or for the registry's rate limit, write reconcile: never into the rules: drayage reconcile still works.

Without --auth, programs on this machine may use the API and pull; through a tunnel, only webhooks are
accepted. Pushes need ECR's login, which accepts any AWS credentials:
  $ aws ecr get-login-password --endpoint-url http://127.0.0.1:40124 --region eu-west-1 \\
      | docker login --username AWS --password-stdin 127.0.0.1:40124

Example:
  $ drayage local --config mirror.yaml --data ./drayage-data
  {"ready":true,"api":"http://127.0.0.1:40123","registry":"127.0.0.1:40124",…}
  $ curl 'http://127.0.0.1:40123/v1/mappings?image=nginx:1.27'`,
    )
    .action(async (flags: LocalFlags) => {
      // Before anything starts that has to be stopped.
      const told = new Promise<void>((resolve) => void onInterrupt(resolve));
      // Loaded only here: the emulators would slow every other command's start.
      const { runLocal } = await import('./run.ts');
      await runLocal(flags, told);
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('a port is a whole number from 0 to 65535');
}
