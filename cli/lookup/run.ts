import type { Mapping } from '../../core/mapping/record.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import { RequestError } from '../api/request-error.ts';
import { MappingList } from '../mapping/look-up.ts';
import { readMappingFile } from '../mapping/read-file.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { CommandError, NotMirroredError } from '../shared/command-error.ts';
import { UsageError } from '../shared/usage-error.ts';
import { mappingsTable } from './table.ts';

/** The options of `drayage lookup`. */
export interface LookupFlags extends ApiFlags {
  mapping?: string;
  region?: string;
  pinned?: boolean;
  long?: boolean;
}

/**
 * Finds some images' mappings, by the texts that were asked for; what is not mirrored is left out.
 */
type Find = (images: readonly string[]) => Promise<ReadonlyMap<string, Mapping>>;

/** The API resolves this many at once. */
const chunkSize = 1_000;

/**
 * `drayage lookup`
 *
 * @throws NotMirroredError after the others are printed
 */
export async function runLookup(images: readonly string[], flags: LookupFlags): Promise<void> {
  const { json, pinned, long, mapping: file } = flags;
  if ([json, pinned, long].filter(Boolean).length > 1)
    throw new UsageError('--json, --pinned and --long each print another form: choose one');
  const find =
    file === undefined ? inApi(new DrayageApi(apiAddress(flags)), flags.region) : inFile(file, flags.region);
  const distinct = [...new Set(images)];
  const found = await find(distinct);
  const missing = distinct.filter((image) => !found.has(image));
  if (json) process.stdout.write(`${JSON.stringify({ mappings: Object.fromEntries(found), missing })}\n`);
  else {
    const mappings = images.flatMap((image) => found.get(image) ?? []);
    const lines = long
      ? mappingsTable(mappings, process.stdout)
      : mappings.map((each) => (pinned ? each.pinned : each.mirror));
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  }
  if (missing.length === 0) return;
  const where = flags.region === undefined ? undefined : 'look without --region, or name another region';
  throw file === undefined
    ? new NotMirroredError(missing, where)
    : new NotMirroredError(missing, where ?? `write ${file} again: it may be older than the mirror`);
}

function inFile(file: string, region: string | undefined): Find {
  const other = 'name a file that drayage sync --mapping wrote, or what GET /v1/exports/json answered';
  const mappings = readMappingFile(file, other);
  if (mappings === undefined) throw new CommandError(`--mapping ${file} does not exist`, other);
  const list = new MappingList(mappings, region);
  return async (images) =>
    new Map(
      images.flatMap((image) => {
        const mapping = list.find(image);
        return mapping === undefined ? [] : [[image, mapping]];
      }),
    );
}

function inApi(api: DrayageApi, region: string | undefined): Find {
  return async (images) => {
    const [only] = images;
    if (only !== undefined && images.length === 1) {
      const mapping = await api.mapping(only, region);
      return new Map(mapping === undefined ? [] : [[only, mapping]]);
    }
    const found = new Map<string, Mapping>();
    for (let at = 0; at < images.length; at += chunkSize)
      for (const [image, mapping] of await resolve(api, images.slice(at, at + chunkSize), region))
        found.set(image, mapping);
    return found;
  };
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
