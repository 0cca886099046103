import type { Mapping } from '../../core/mapping/record.ts';
import { parseReference } from '../../core/oci/reference.ts';
import type { DrayageApi } from '../api/client.ts';
import { RequestError } from '../api/request-error.ts';
import { CommandError } from '../shared/command-error.ts';
import { MappingList } from './look-up.ts';
import { readMappingFile } from './read-file.ts';

/** The API resolves this many at once. */
const chunkSize = 1_000;

/**
 * Resolves images with the API, with a request for each thousand; images that are not mirrored are
 * left out.
 */
export async function resolveAll(
  api: DrayageApi,
  images: readonly string[],
  region: string | undefined,
): Promise<Map<string, Mapping>> {
  const found = new Map<string, Mapping>();
  for (let at = 0; at < images.length; at += chunkSize)
    for (const [image, mapping] of await resolve(api, images.slice(at, at + chunkSize), region))
      found.set(image, mapping);
  return found;
}

/** Asks for half as many at once where the answer would be too large. */
async function resolve(
  api: DrayageApi,
  images: readonly string[],
  region: string | undefined,
): Promise<[string, Mapping][]> {
  try {
    return Object.entries((await api.resolve(images, region)).mappings);
  } catch (error) {
    if (!(error instanceof RequestError) || error.code !== 'answer_too_large' || images.length < 2)
      throw error;
    const half = Math.ceil(images.length / 2);
    const [first, second] = [images.slice(0, half), images.slice(half)];
    return [...(await resolve(api, first, region)), ...(await resolve(api, second, region))];
  }
}

/**
 * The mappings in a file of `--mapping`, which has to exist.
 *
 * @throws CommandError
 */
export function openMappingFile(
  file: string,
  region: string | undefined,
): { list: MappingList; mappings: readonly Mapping[] } {
  const other = 'name a file that drayage export json or drayage sync --mapping wrote';
  const mappings = readMappingFile(file, other);
  if (mappings === undefined) throw new CommandError(`--mapping ${file} does not exist`, other);
  return { list: new MappingList(mappings, region), mappings };
}

/** The mirror registries that a mapping names. */
export function mirrorHosts({ mirror, regions }: Mapping): string[] {
  const all = [mirror, ...Object.values(regions ?? {}).map((place) => place.mirror)];
  return all.map((reference) => parseReference(reference).registry);
}
