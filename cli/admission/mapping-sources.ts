import { stat } from 'node:fs/promises';
import { type ApiAddress, DrayageApi } from '../api/client.ts';
import { openMappingFile } from '../mapping/find-mappings.ts';
import { keep, readKept } from './kept-export.ts';
import type { Log } from './log.ts';
import type { MappingSource, MappingVersion } from './mapping-copy.ts';
import { indexExport, indexMappings } from './mapping-index.ts';

/** The mapping of the API, asked for by its entity tag. */
export function apiSource(
  address: ApiAddress,
  { region, folder, log }: { region: string | undefined; folder: string | undefined; log: Log },
): MappingSource {
  const source = JSON.stringify([address.api, region ?? null]);
  let etag: string | undefined;
  return {
    async kept() {
      const kept = folder === undefined ? undefined : await readKept(folder, source);
      if (!kept) return undefined;
      const index = await indexExport(kept.text, region);
      etag = kept.etag;
      return { index, fetchedAt: kept.fetchedAt };
    },
    async fetch(signal): Promise<MappingVersion | undefined> {
      const fetched = await new DrayageApi(address, signal).exportUnless('json', { region }, etag);
      if (fetched === undefined) return undefined;
      const index = await indexExport(fetched.text, region);
      const fetchedAt = new Date().toISOString();
      etag = fetched.etag;
      if (folder !== undefined)
        await keep(folder, source, { ...fetched, fetchedAt }).catch((error: unknown) => {
          log('warn', 'the mapping could not be kept on disk', { error });
        });
      return { index, fetchedAt };
    },
  };
}

/** The mapping of a file, which is read again when it has changed. */
export function fileSource(file: string, region: string | undefined): MappingSource {
  let seen: string | undefined;
  return {
    kept: async () => undefined,
    async fetch() {
      const { mtimeMs, size, ino } = await stat(file);
      const state = `${mtimeMs} ${size} ${ino}`;
      if (state === seen) return undefined;
      const index = indexMappings(openMappingFile(file, region).mappings, region);
      seen = state;
      return { index, fetchedAt: new Date(mtimeMs).toISOString() };
    },
  };
}
