/** An object as the store knows it, without its bytes. */
export interface StoredObject {
  /** Its entity tag, with quotes; another one after every put. */
  etag: string;
  /** Its size as it is stored: compressed. */
  bytes: number;
  /** Small texts that were stored with it. */
  notes: Record<string, string>;
}

/** What is put. */
export interface NewObject {
  /** Compressed with gzip. */
  gzip: Uint8Array;
  contentType: string;
  notes: Record<string, string>;
}

/**
 * Keeps the snapshot, and exports that are too large for an answer. Every text in it is compressed,
 * and every put has a condition.
 */
export interface SnapshotStore {
  /** What is stored under a key, if anything. */
  head(key: string): Promise<StoredObject | undefined>;
  /**
   * The compressed bytes of one version.
   *
   * @returns undefined if another one, or none, is stored by now
   */
  read(key: string, etag: string): Promise<Uint8Array | undefined>;
  /**
   * Stores an object if the stored one is still `replaces`; undefined: if there is none.
   *
   * @returns its entity tag; undefined if another writer was first
   */
  put(key: string, object: NewObject, replaces: string | undefined): Promise<string | undefined>;
  /** An address from which anybody can download the object for so many seconds. */
  link(key: string, seconds: number): Promise<string>;
}

/** Where the snapshot is stored. */
export const snapshotKey = 'snapshot.json.gz';
/** Exports under this prefix are made from a snapshot on demand, and removed after a day. */
export const exportPrefix = 'exports/';
