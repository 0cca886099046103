import { type ExportFilter, type ExportFormat, isSelected } from '../../core/exports/export.ts';
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
export async function runExport(format: ExportFormat, flags: ExportFlags): Promise<void> {
  await printOrWrite(await textOf(format, flags), flags.output);
}

async function textOf(format: ExportFormat, flags: ExportFlags): Promise<string> {
  const { registry, repository, region, mapping: file } = flags;
  const filter: ExportFilter = { registry, repository, region };
  if (file === undefined) return await new DrayageApi(apiAddress(flags)).export(format.name, filter);
  const { mappings } = openMappingFile(file, undefined);
  let text = '';
  for await (const piece of format.render(selected(mappings, filter))) text += piece;
  return text;
}

async function* selected(mappings: readonly Mapping[], filter: ExportFilter): AsyncGenerator<Mapping> {
  for (const mapping of mappings) if (isSelected(mapping, filter)) yield mapping;
}
