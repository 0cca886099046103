import { createHash } from 'node:crypto';
import { Flights } from '../async/flights.ts';
import { ByteCache } from './byte-cache.ts';
import { type CompressedText, compress } from './compress.ts';
import { readDocument } from './document.ts';
import { type ExportFilter, type ExportFormat, isUnfiltered } from './export.ts';
import { json } from './formats/json.ts';
import { exportPrefix, type SnapshotStore, type StoredObject, snapshotKey } from './snapshot-store.ts';

/** One export of one snapshot. */
export interface OpenedExport {
  /** The size of its compressed text, in bytes. */
  gzipBytes: number;
  /** The size of its text, in bytes. */
  textBytes: number;
  /** Its compressed text; undefined if the snapshot was replaced meanwhile. */
  gzip(): Promise<Uint8Array | undefined>;
  /** An address from which anybody can download its compressed text for so many seconds. */
  link(seconds: number): Promise<string>;
}

/** Settings of {@link Exporter}. */
export interface ExporterOptions {
  /** For how long the answer of which snapshot is stored is used again, in milliseconds. */
  freshMs: number;
  /** How many bytes of compressed texts are kept in memory. */
  cacheBytes: number;
}

/**
 * Makes exports from the snapshot, without reading the table. What was read or made is kept in
 * memory, compressed and up to a limit.
 */
export class Exporter {
  readonly #store: SnapshotStore;
  readonly #freshMs: number;
  readonly #cache: ByteCache;
  readonly #looks = new Flights<StoredObject | undefined>();
  readonly #opening = new Flights<OpenedExport | undefined>();
  readonly #reads = new Flights<Uint8Array | undefined>();
  #seen: { snapshot: StoredObject; until: number } | undefined;

  constructor(store: SnapshotStore, { freshMs, cacheBytes }: ExporterOptions) {
    this.#store = store;
    this.#freshMs = freshMs;
    this.#cache = new ByteCache(cacheBytes);
  }

  /**
   * The stored snapshot; undefined before the first one is built.
   *
   * @param options fresh: ask the store, however recently it was asked
   */
  async snapshot({ fresh = false } = {}): Promise<StoredObject | undefined> {
    if (!fresh && this.#seen && Date.now() < this.#seen.until) return this.#seen.snapshot;
    return await this.#looks.join('', async () => {
      const until = Date.now() + this.#freshMs;
      const snapshot = await this.#store.head(snapshotKey);
      this.#seen = snapshot && { snapshot, until };
      return snapshot;
    });
  }

  /**
   * Opens an export of a snapshot, and makes it first if need be.
   *
   * @returns undefined if the snapshot was replaced meanwhile
   */
  async open(
    snapshot: StoredObject,
    format: ExportFormat,
    filter: ExportFilter,
  ): Promise<OpenedExport | undefined> {
    if (format.name === json.name && isUnfiltered(filter)) return this.#whole(snapshot);
    const key = `${exportPrefix}${exportTag(snapshot, format, filter)}`;
    return await this.#opening.join(key, async () => {
      const cached = this.#cache.get(key);
      if (cached) return this.#made(key, format, { gzip: cached, textBytes: textBytesOf(cached) });
      const stored = await this.#store.head(key);
      if (stored) return this.#stored(key, stored);
      const source = await this.#read(snapshotKey, snapshot.etag);
      if (source === undefined) return undefined;
      const made = await compress(format.render(readDocument(source, filter)));
      this.#cache.set(key, made.gzip);
      return this.#made(key, format, made);
    });
  }

  #whole(snapshot: StoredObject): OpenedExport {
    return {
      gzipBytes: snapshot.bytes,
      textBytes: Number(snapshot.notes['text-bytes']),
      gzip: () => this.#read(snapshotKey, snapshot.etag),
      link: (seconds) => this.#store.link(snapshotKey, seconds),
    };
  }

  #stored(key: string, stored: StoredObject): OpenedExport {
    return {
      gzipBytes: stored.bytes,
      textBytes: Number(stored.notes['text-bytes']),
      gzip: () => this.#read(key, stored.etag),
      link: (seconds) => this.#store.link(key, seconds),
    };
  }

  #made(key: string, format: ExportFormat, { gzip, textBytes }: CompressedText): OpenedExport {
    return {
      gzipBytes: gzip.byteLength,
      textBytes,
      gzip: async () => gzip,
      link: async (seconds) => {
        const { contentType } = format;
        const notes = { 'text-bytes': String(textBytes) };
        // If it is there already, then with the same text.
        await this.#store.put(key, { gzip, contentType, notes }, undefined);
        return await this.#store.link(key, seconds);
      },
    };
  }

  async #read(key: string, etag: string): Promise<Uint8Array | undefined> {
    const version = `${key} ${etag}`;
    const cached = this.#cache.get(version);
    if (cached) return cached;
    return await this.#reads.join(version, async () => {
      const bytes = await this.#store.read(key, etag);
      if (bytes) this.#cache.set(version, bytes);
      return bytes;
    });
  }
}

/**
 * The opaque part of an export's entity tag. That of the whole mapping as JSON is the snapshot's
 * own, so it stays the same through a redirect to the snapshot.
 */
export function exportTag(snapshot: StoredObject, format: ExportFormat, filter: ExportFilter): string {
  const own = snapshot.etag.replaceAll('"', '');
  if (format.name === json.name && isUnfiltered(filter)) return own;
  const { registry = null, repository = null, region = null } = filter;
  const which = JSON.stringify([registry, repository, region]);
  return `${own}-${format.name}-${createHash('sha256').update(which).digest('hex').slice(0, 16)}`;
}

/**
 * The size of the text of a gzip file below 4 GB is its last field.
 * https://www.rfc-editor.org/rfc/rfc1952#page-6
 */
function textBytesOf(gzip: Uint8Array): number {
  return Buffer.from(gzip.buffer, gzip.byteOffset, gzip.byteLength).readUInt32LE(gzip.byteLength - 4);
}
