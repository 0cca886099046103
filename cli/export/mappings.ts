import { type ExportFilter, isSelected } from '../../core/exports/export.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import { openMappingFile } from '../mapping/find-mappings.ts';
import { parseMappings } from '../mapping/read-file.ts';
import type { ApiFlags } from '../shared/api-command.ts';

/** Where mappings come from, and which. */
export interface MappingFlags extends ApiFlags, ExportFilter {
  mapping?: string;
}

/** The mappings of the file, or of the API's snapshot, in the order of their images. */
export async function mappingsOf(flags: MappingFlags): Promise<Mapping[]> {
  const { mapping: file } = flags;
  if (file !== undefined) {
    const selected = openMappingFile(file, undefined).mappings.filter((each) => isSelected(each, flags));
    // Formats take a repository's mappings together, and a file has any order.
    return selected.sort(({ image: a }, { image: b }) => (a < b ? -1 : a > b ? 1 : 0));
  }
  const text = await new DrayageApi(apiAddress(flags)).export('json', filterOf(flags));
  return parseMappings(text, 'the API’s answer', 'give the address of Drayage’s API');
}

/** The filter, without the other flags. */
export function filterOf({ registry, repository, region }: MappingFlags): ExportFilter {
  return { registry, repository, region };
}

/** Mappings one at a time, as formats take them. */
export async function* oneAtATime(mappings: readonly Mapping[]): AsyncGenerator<Mapping> {
  yield* mappings;
}
