import type { FormatName } from '../../core/exports/format-names.ts';
import { formats } from '../../core/exports/formats/index.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import { printOrWrite } from '../shared/print-or-write.ts';
import { UsageError } from '../shared/usage-error.ts';
import { filterOf, type MappingFlags, mappingsOf, oneAtATime } from './mappings.ts';
import { writeFiles } from './write-files.ts';

/** The options of `drayage export FORMAT`. */
export interface ExportFlags extends MappingFlags {
  output?: string;
  outputDir?: string;
}

/** `drayage export FORMAT` */
export async function runExport(name: FormatName, flags: ExportFlags): Promise<void> {
  const { output, outputDir } = flags;
  if (output !== undefined && outputDir !== undefined)
    throw new UsageError('choose one of --output (one text) and --output-dir (several files)');
  const format = formats[name];
  if (outputDir === undefined || format.files === undefined) {
    await printOrWrite(await textOf(name, flags), output);
    return;
  }
  const files = await format.files(oneAtATime(await mappingsOf(flags)));
  await writeFiles(outputDir, files);
  for (const { path } of files) process.stdout.write(`${path}\n`);
}

async function textOf(name: FormatName, flags: ExportFlags): Promise<string> {
  const { render, addressPlaceholder } = formats[name];
  let text = '';
  if (flags.mapping === undefined)
    text = await new DrayageApi(apiAddress(flags)).export(name, filterOf(flags));
  else for await (const piece of render(oneAtATime(await mappingsOf(flags)))) text += piece;
  if (addressPlaceholder === undefined || flags.api === undefined || flags.api === '') return text;
  return text.replaceAll(addressPlaceholder, apiAddress(flags).api);
}
