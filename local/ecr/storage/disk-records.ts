import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StartError } from '../../start-error.ts';
import type { RecordStore, StoredRecord } from './blob-store.ts';
import { writeAtomically } from './write-atomically.ts';

/** How many record files are read at once at the start. */
const loadConcurrency = 32;

/**
 * One JSON file for each record, named by the hash of its key: keys contain slashes and may be too
 * long for a file name.
 */
export function openDiskRecords(folder: string, temporary: string): RecordStore {
  const pathOf = (key: string): string =>
    join(folder, `${createHash('sha256').update(key).digest('hex')}.json`);
  return {
    async load() {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
      const records: StoredRecord[] = [];
      const next = async (): Promise<void> => {
        for (let name = names.pop(); name !== undefined; name = names.pop()) {
          records.push(await readRecord(join(folder, name)));
        }
      };
      await Promise.all(Array.from({ length: loadConcurrency }, next));
      return records;
    },
    async put(key, value) {
      await writeAtomically(pathOf(key), JSON.stringify({ key, value }), temporary);
    },
    async remove(key) {
      await rm(pathOf(key), { force: true });
    },
  };
}

async function readRecord(path: string): Promise<StoredRecord> {
  const text = await readFile(path, 'utf8');
  try {
    const record = JSON.parse(text) as StoredRecord | null;
    if (typeof record?.key !== 'string') throw new Error('it has no key');
    return record;
  } catch (cause) {
    throw new StartError(
      `${path} is not a registry record: ${cause instanceof SyntaxError ? 'it is not JSON' : (cause as Error).message}`,
      'remove the file, or choose another folder: --data FOLDER',
      cause,
    );
  }
}
