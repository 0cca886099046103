import { accessSync, constants, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileFailure } from '../../core/config/file-failure.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { InvalidReferenceError, parseReference } from '../../core/oci/reference.ts';
import { writeAtomically } from '../../local/ecr/storage/write-atomically.ts';
import { CommandError } from '../shared/command-error.ts';

/** What helps where the file holds something else. */
const otherFile = 'name another file, or remove it: this command then writes a new one';

/**
 * The mappings that a former run wrote; none if the file does not exist yet.
 *
 * @throws CommandError for a file that can't be read, is something else, or could not be written
 *   later
 */
export function readMappings(file: string): Mapping[] {
  const text = readText(file);
  if (text === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandError(`--mapping ${file} is not JSON: ${error.message}`, otherFile);
  }
  const { mappings } = (value ?? {}) as { mappings?: unknown };
  if (!Array.isArray(mappings) || !mappings.every(isMapping))
    throw new CommandError(`--mapping ${file} has no list of mappings as this command writes it`, otherFile);
  return mappings;
}

function readText(file: string): string | undefined {
  try {
    accessSync(dirname(file), constants.W_OK);
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && syscall === 'open') return undefined;
    const { reason, remedy } = fileFailure(error, file);
    const what =
      syscall === 'access' ? `--mapping ${file} can’t be written` : `--mapping ${file} can’t be read`;
    throw new CommandError(`${what}: ${reason}`, remedy ?? 'check the path');
  }
}

function isMapping(value: unknown): value is Mapping {
  const { image, mirror, digest } = (value ?? {}) as Record<string, unknown>;
  return isImage(image) && typeof mirror === 'string' && typeof digest === 'string';
}

function isImage(value: unknown): boolean {
  try {
    return typeof value === 'string' && parseReference(value) !== undefined;
  } catch (error) {
    if (error instanceof InvalidReferenceError) return false;
    throw error;
  }
}

/** Writes the mappings, sorted by image; the file never holds half of them. @throws CommandError */
export async function writeMappings(file: string, mappings: readonly Mapping[]): Promise<void> {
  const sorted = mappings.toSorted((a, b) => (a.image < b.image ? -1 : 1));
  try {
    await writeAtomically(file, `${JSON.stringify({ mappings: sorted }, undefined, 2)}\n`, dirname(file));
  } catch (error) {
    const { reason, remedy } = fileFailure(error, file);
    throw new CommandError(`--mapping ${file} can’t be written: ${reason}`, remedy);
  }
}
