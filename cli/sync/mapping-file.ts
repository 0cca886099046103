import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { fileFailure } from '../../core/config/file-failure.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { writeAtomically } from '../../local/ecr/storage/write-atomically.ts';
import { mappingFileVersion, readMappingFile } from '../mapping/read-file.ts';
import { CommandError } from '../shared/command-error.ts';

/**
 * The mappings that a former run wrote; none if the file does not exist yet.
 *
 * @throws CommandError for a file that can't be read, is something else, or could not be written
 *   later
 */
export function readMappings(file: string): Mapping[] {
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (error) {
    const { reason, remedy } = fileFailure(error, file);
    throw new CommandError(`--mapping ${file} can’t be written: ${reason}`, remedy ?? 'check the path');
  }
  return readMappingFile(file, 'name another file, or remove it: this command then writes a new one') ?? [];
}

/** Writes the mappings, sorted by image; the file never holds half of them. @throws CommandError */
export async function writeMappings(file: string, mappings: readonly Mapping[]): Promise<void> {
  const sorted = mappings.toSorted((a, b) => (a.image < b.image ? -1 : 1));
  const text = JSON.stringify({ version: mappingFileVersion, mappings: sorted }, undefined, 2);
  try {
    await writeAtomically(file, `${text}\n`, dirname(file));
  } catch (error) {
    const { reason, remedy } = fileFailure(error, file);
    throw new CommandError(`--mapping ${file} can’t be written: ${reason}`, remedy);
  }
}
