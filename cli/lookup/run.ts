import type { Mapping } from '../../core/mapping/record.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import { openMappingFile, resolveAll } from '../mapping/find-mappings.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { NotMirroredError } from '../shared/command-error.ts';
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
  const { list } = openMappingFile(file, region);
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
    if (only === undefined || images.length > 1) return await resolveAll(api, images, region);
    const mapping = await api.mapping(only, region);
    return new Map(mapping === undefined ? [] : [[only, mapping]]);
  };
}
