import { type Mapping, presentMapping, type RegistryHosts, type StoredMapping } from '../mapping/record.ts';
import { changesSettleMs, type MappingStore } from '../mapping/store.ts';
import { type SnapshotDocument, writeDocument } from './document.ts';
import { json } from './formats/json.ts';
import { type SnapshotStore, snapshotKey } from './snapshot-store.ts';

/** How a call of the snapshot's writer ended. */
export type SnapshotOutcome =
  /** Nothing has changed since the last build, which saw everything; nothing was read but that. */
  | { kind: 'final' }
  /** Nothing was built, because the last build took long and has just ended. */
  | { kind: 'waiting' }
  /** Built, and the same as what is stored. */
  | { kind: 'unchanged'; count: number }
  | { kind: 'stored'; count: number; bytes: number; textBytes: number }
  /** Built, but another writer has stored its own meanwhile. The next call looks again. */
  | { kind: 'overtaken' };

/** What the writer works with. */
export interface SnapshotDependencies {
  mappings: Pick<MappingStore, 'changes' | 'registryHosts' | 'all'>;
  snapshots: Pick<SnapshotStore, 'head' | 'put'>;
}

/** What this writer knows of its last build. */
interface LastBuild {
  /** The stored object that it agreed with. */
  etag: string;
  /** When it began and ended, in milliseconds since 1970. */
  began: number;
  ended: number;
  changes: number;
  hosts: string;
}

/**
 * While it is not certain that the last build saw everything, the next one waits for so many times
 * as long as that took: a writer that is called every second leaves most of a slow table to others.
 */
const pausesPerBuild = 4;

/**
 * Keeps the snapshot up to date. It remembers its last build, and a new instance builds once: its
 * code may present mappings differently.
 */
export class SnapshotWriter {
  readonly #deps: SnapshotDependencies;
  #last: LastBuild | undefined;

  constructor(deps: SnapshotDependencies) {
    this.#deps = deps;
  }

  /**
   * Builds and stores the snapshot if something may have changed. Several writers at once do no
   * harm: one whose build began before another one's was stored does not store its own.
   */
  async update(): Promise<SnapshotOutcome> {
    const { mappings, snapshots } = this.#deps;
    const began = Date.now();
    const [changes, hosts, stored] = await Promise.all([
      mappings.changes(),
      mappings.registryHosts(),
      snapshots.head(snapshotKey),
    ]);
    const build = { began, changes: changes.count, hosts: textOf(hosts) };
    const last = this.#last;
    // The stored object is another one if a slower writer overtook an unchanged build of ours.
    if (last && last.etag === stored?.etag && last.changes === build.changes && last.hosts === build.hosts) {
      const settled = changes.at === '' ? 0 : Date.parse(changes.at) + changesSettleMs;
      if (last.began >= settled) return { kind: 'final' };
      // More may have changed without being counted again. A table that takes long to read is not
      // read all the time.
      const pauseMs = pausesPerBuild * (last.ended - last.began);
      if (began < settled && began - last.ended < pauseMs) return { kind: 'waiting' };
    }
    const document = await writeDocument(presented(mappings.all(), hosts));
    const { count } = document;
    const isStored = stored !== undefined && stored.notes.content === document.content;
    const etag = isStored ? stored.etag : await snapshots.put(snapshotKey, objectOf(document), stored?.etag);
    this.#last = etag === undefined ? undefined : { ...build, etag, ended: Date.now() };
    if (isStored) return { kind: 'unchanged', count };
    if (etag === undefined) return { kind: 'overtaken' };
    return { kind: 'stored', count, bytes: document.gzip.byteLength, textBytes: document.textBytes };
  }
}

function objectOf({ gzip, content, textBytes, count }: SnapshotDocument) {
  return {
    gzip,
    contentType: json.contentType,
    notes: { content, 'text-bytes': String(textBytes), count: String(count) },
  };
}

async function* presented(
  mappings: AsyncIterable<StoredMapping>,
  hosts: RegistryHosts,
): AsyncGenerator<Mapping> {
  for await (const stored of mappings) {
    const mapping = presentMapping(stored, hosts);
    if (mapping) yield mapping;
  }
}

function textOf(hosts: RegistryHosts): string {
  return JSON.stringify(Object.entries(hosts).sort(([a], [b]) => (a < b ? -1 : 1)));
}
