import { Command } from 'commander';
import type { ExportFormat } from '../../core/exports/export.ts';
import { exportFormats } from '../../core/exports/formats/index.ts';
import { addAddress, runAction } from '../shared/api-command.ts';
import { exportHelp, formatHelp } from './help.ts';
import { prepullCommand } from './prepull/command.ts';
import type { ExportFlags } from './run.ts';
import { addSelection } from './selection.ts';

/** `drayage export FORMAT`: the mapping in the form that another program reads. */
export function exportCommand(): Command {
  const command = new Command('export')
    .description('Print the mapping in the form that a cluster, a node or another program reads.')
    .addHelpText('after', exportHelp);
  for (const format of exportFormats) command.addCommand(formatCommand(format));
  command.addCommand(prepullCommand());
  return command;
}

function formatCommand(format: ExportFormat): Command {
  const { name, description } = format;
  const command = addSelection(addAddress(new Command(name).description(sentence(description))));
  command.option('-o, --output <file>', 'write the result to this file, once it is complete');
  if (format.files)
    command.option('--output-dir <folder>', 'write the files themselves below this folder, and list them');
  command.addHelpText('after', formatHelp(name));
  return command.action((flags: ExportFlags) =>
    runAction(command, async () => (await import('./run.ts')).runExport(format, flags)),
  );
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
