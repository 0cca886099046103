import { readFileSync } from 'node:fs';
import { fileFailure } from '../../core/config/file-failure.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { isDigest } from '../../core/oci/digest.ts';
import { InvalidReferenceError, parseReference } from '../../core/oci/reference.ts';
import { CommandError } from '../shared/command-error.ts';

/** The only version of the file's form so far. */
export const mappingFileVersion = 1;

/**
 * The mappings in a file of `--mapping`: what `drayage sync --mapping` writes and `GET
 * /v1/exports/json` answers, `{"version":1,"mappings":[…]}`.
 *
 * @param otherwise what helps if the file holds something else
 * @returns undefined if there is no such file
 * @throws CommandError for a file that can't be read, or is something else
 */
export function readMappingFile(file: string, otherwise: string): Mapping[] | undefined {
  const text = readText(file);
  return text === undefined ? undefined : parseMappings(text, `--mapping ${file}`, otherwise);
}

/**
 * The mappings in a text, `{"version":1,"mappings":[…]}`.
 *
 * @param source where the text comes from, for messages
 * @param otherwise what helps if it is something else
 * @throws CommandError
 */
export function parseMappings(text: string, source: string, otherwise: string): Mapping[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandError(`${source} is not JSON: ${error.message}`, otherwise);
  }
  // Files of drayage 0.1 name no version.
  const { version = mappingFileVersion, mappings } = (value ?? {}) as {
    version?: unknown;
    mappings?: unknown;
  };
  if (version !== mappingFileVersion)
    throw new CommandError(
      `${source} has version ${JSON.stringify(version)}, and this drayage reads ${mappingFileVersion}`,
      'use the version of drayage that wrote it',
    );
  if (!Array.isArray(mappings) || !mappings.every(isMapping))
    throw new CommandError(`${source} has no list of mappings as drayage sync writes it`, otherwise);
  return mappings;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const { reason, remedy } = fileFailure(error, file);
    throw new CommandError(`--mapping ${file} can’t be read: ${reason}`, remedy ?? 'check the path');
  }
}

/** Whether a value has what a mapping needs to be used. */
export function isMapping(value: unknown): value is Mapping {
  const { image, mirror, pinned, digest } = (value ?? {}) as Record<string, unknown>;
  return [image, mirror, pinned].every(isReference) && typeof digest === 'string' && isDigest(digest);
}

function isReference(value: unknown): boolean {
  try {
    return typeof value === 'string' && parseReference(value) !== undefined;
  } catch (error) {
    if (error instanceof InvalidReferenceError) return false;
    throw error;
  }
}
