import { Command, Option } from 'commander';
import { UsageError } from './usage-error.ts';

/** The options of every command that asks Drayage’s API. */
export interface ApiFlags {
  api?: string;
  token?: string;
  json?: boolean;
}

/** A command that asks Drayage’s API, with the options that say where it is and who asks. */
export function apiCommand(name: string, description: string): Command {
  return addAddress(new Command(name).description(description)).option(
    '--json',
    'print the result as one JSON object',
  );
}

/** Adds the options that say where the API is and who asks. */
export function addAddress(command: Command): Command {
  return command
    .optionsGroup('Deployment:')
    .addOption(new Option('--api <url>', 'address of Drayage’s API').env('DRAYAGE_API'))
    .addOption(new Option('--token <token>', 'token of Drayage’s API').env('DRAYAGE_TOKEN'))
    .optionsGroup('Options:');
}

/** Runs a command’s work. A UsageError in it ends the command as commander’s own errors do. */
export async function runAction(command: Command, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (error instanceof UsageError) command.error(`error: ${error.message}`);
    throw error;
  }
}

/** What `--help` says about the address and the token. */
export const addressHelp = `
--api (or DRAYAGE_API) is the stack’s output ApiUrl, or what drayage local prints as "api" (it needs a token only with
--auth). --token is the reader’s or the operator’s token; DRAYAGE_TOKEN is safer, since no process list shows it.`;
