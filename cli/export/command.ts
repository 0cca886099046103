import { Command } from 'commander';
import { type FormatName, formatDescriptions, formatsWithFiles } from '../../core/exports/format-names.ts';
import { addAddress, runAction } from '../shared/api-command.ts';
import { addSelection } from '../shared/selection.ts';
import { admissionPolicyCommand } from './admission-policy/command.ts';
import { admissionWebhookCommand } from './admission-webhook/command.ts';
import { gatekeeperCommand } from './gatekeeper/command.ts';
import { exportHelp, formatHelp } from './help.ts';
import { prepullCommand } from './prepull/command.ts';
import type { ExportFlags } from './run.ts';

/** `drayage export FORMAT`: the mapping in the form that another program reads. */
export function exportCommand(): Command {
  const command = new Command('export')
    .description('Print the mapping in the form that a cluster, a node or another program reads.')
    .addHelpText('after', exportHelp);
  for (const [name, description] of Object.entries(formatDescriptions))
    command.addCommand(formatCommand(name as FormatName, description));
  command.addCommand(admissionPolicyCommand());
  command.addCommand(admissionWebhookCommand());
  command.addCommand(gatekeeperCommand());
  command.addCommand(prepullCommand());
  return command;
}

function formatCommand(name: FormatName, description: string): Command {
  const command = addSelection(addAddress(new Command(name).description(sentence(description)))).option(
    '-o, --output <file>',
    'write the result to this file, once it is complete',
  );
  if (formatsWithFiles.has(name))
    command.option('--output-dir <folder>', 'write the files themselves below this folder, and list them');
  command.addHelpText('after', formatHelp(name));
  return command.action((flags: ExportFlags) =>
    runAction(command, async () => (await import('./run.ts')).runExport(name, flags)),
  );
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
