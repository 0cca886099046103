import { Command } from 'commander';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { listHelp, registerHelp, rotateHelp, testHelp, webhooksHelp } from './help.ts';
import type { ListFlags } from './list.ts';
import type { RegisterFlags } from './register.ts';
import type { RotateFlags } from './rotate.ts';
import type { TestFlags } from './test.ts';

/** `drayage webhooks`: shows a deployment's webhooks, and enters them where images are pushed. */
export function webhooksCommand(): Command {
  return new Command('webhooks')
    .description(
      'List a deployment’s webhooks, register them with their upstreams, test them and rotate their secrets.',
    )
    .addCommand(listCommand())
    .addCommand(registerCommand())
    .addCommand(testCommand())
    .addCommand(rotateCommand())
    .addHelpText('after', webhooksHelp);
}

function listCommand(): Command {
  const command = apiCommand('list', 'Show the webhooks, and whether events arrive.')
    .argument('[name]', 'one webhook, with the steps to enter it')
    .option('--secrets', 'show secrets, and the tokens in URLs')
    .addHelpText('after', listHelp);
  // Each is loaded only when it runs: it would slow the start of every other command.
  return command.action((name: string | undefined, flags: ListFlags) =>
    runAction(command, async () => (await import('./list.ts')).runList(name, flags)),
  );
}

function registerCommand(): Command {
  const command = apiCommand(
    'register',
    'Register webhooks with their upstreams, through the upstreams’ APIs.',
  )
    .argument('[names...]', 'the webhooks')
    .option('--all', 'all webhooks')
    .option('--dry-run', 'show what would be done; write nothing')
    .optionsGroup('Upstream:')
    .option('--at <place>', 'where to enter it, instead of where its rules say; may be repeated', addText)
    .option('--user <name>', 'the user at the upstream')
    .option(
      '--token-file <file>',
      'file with the token or password for the upstream’s API; - is standard input',
    )
    .option('--endpoint <url>', 'where the upstream’s API is')
    .addHelpText('after', registerHelp);
  return command.action((names: string[], flags: RegisterFlags) =>
    runAction(command, async () => (await import('./register.ts')).runRegister(names, flags)),
  );
}

function testCommand(): Command {
  const command = apiCommand('test', 'Deliver an event as the sender would, and follow the job.')
    .argument('<name>', 'the webhook')
    .option('--image <ref>', 'the image that was pushed, REGISTRY/REPOSITORY:TAG')
    .addHelpText('after', testHelp);
  return command.action((name: string, flags: TestFlags) =>
    runAction(command, async () => (await import('./test.ts')).runTest(name, flags)),
  );
}

function rotateCommand(): Command {
  const command = apiCommand('rotate', 'Give a webhook a new secret.')
    .argument('<name>', 'the webhook')
    .option('--keep <duration>', 'how long the old secret stays valid: 0s to 7d (default: 24h)')
    .addHelpText('after', rotateHelp);
  return command.action((name: string, flags: RotateFlags) =>
    runAction(command, async () => (await import('./rotate.ts')).runRotate(name, flags)),
  );
}

function addText(text: string, before: string[] = []): string[] {
  return [...before, text];
}
