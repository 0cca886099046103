import { type ExportFilter, isSelected } from '../../core/exports/export.ts';
import type { FormatName } from '../../core/exports/format-names.ts';
import { formats } from '../../core/exports/formats/index.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import { openMappingFile } from '../mapping/find-mappings.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { printOrWrite } from '../shared/print-or-write.ts';

/** The options of `drayage export FORMAT`. */
export interface ExportFlags extends ApiFlags, ExportFilter {
  mapping?: string;
  output?: string;
}

/** `drayage export FORMAT` */
export async function runExport(format: FormatName, flags: ExportFlags): Promise<void> {
  await printOrWrite(await textOf(format, flags), flags.output);
}

async function textOf(format: FormatName, flags: ExportFlags): Promise<string> {
  const { registry, repository, region, mapping: file } = flags;
  const filter: ExportFilter = { registry, repository, region };
  if (file === undefined) return await new DrayageApi(apiAddress(flags)).export(format, filter);
  const { mappings } = openMappingFile(file, undefined);
  let text = '';
  for await (const piece of formats[format].render(selected(mappings, filter))) text += piece;
  return text;
}

async function* selected(mappings: readonly Mapping[], filter: ExportFilter): AsyncGenerator<Mapping> {
  for (const mapping of mappings) if (isSelected(mapping, filter)) yield mapping;
}
