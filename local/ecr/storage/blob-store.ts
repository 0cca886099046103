import type { Digest } from '../../../core/oci/digest.ts';

/** A range of a blob, both ends inclusive, as in an HTTP Range. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * A blob that is being received. Appended bytes are kept, whatever happens to the connection, until
 * `commit` or `discard`. Only one call at a time.
 */
export interface PartialBlob {
  /** Bytes received so far. */
  readonly length: number;
  /**
   * Takes bytes until the source ends, hashes them on the way, and applies back-pressure while the
   * storage is behind. If the source fails, the bytes so far are kept and the source's error is
   * thrown.
   * @returns how many bytes were added
   */
  append(source: AsyncIterable<Uint8Array>): Promise<number>;
  /** The digest of everything received; more bytes may follow. */
  digest(algorithm: 'sha256' | 'sha512'): Promise<Digest>;
  /**
   * Makes the bytes readable under `digest`, which the caller has checked. The partial blob is then
   * gone.
   */
  commit(digest: Digest): Promise<void>;
  /** Discards the bytes. */
  discard(): Promise<void>;
}

/** Bytes by digest, each once for all repositories. */
export interface BlobStore {
  /** Starts to receive a blob. `id` is a UUID. */
  create(id: string): Promise<PartialBlob>;
  /**
   * Resumes a partial blob of an earlier process, truncated to the `length` that was last
   * acknowledged.
   * @returns undefined if its bytes are gone
   */
  reopen(id: string, length: number): Promise<PartialBlob | undefined>;
  /** Discards the partial blobs of an earlier process, except the named ones. */
  discardPartials(except: ReadonlySet<string>): Promise<void>;
  /** Stores a small blob (a manifest) whole. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  /**
   * A blob's bytes, or a range of them, as chunks.
   * @throws Error if there is no such blob
   */
  read(digest: Digest, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  /** Removes a blob; active readers continue. Unknown digests are ignored. */
  remove(digest: Digest): Promise<void>;
}

/** A small JSON document under a key. */
export interface StoredRecord {
  key: string;
  value: unknown;
}

/**
 * The registry's records of repositories, tags and uploads: documents, each written completely or
 * not at all.
 */
export interface RecordStore {
  /** All records, in no particular order. */
  load(): Promise<StoredRecord[]>;
  put(key: string, value: unknown): Promise<void>;
  /** Unknown keys are ignored. */
  remove(key: string): Promise<void>;
}

/** The storage of a registry. */
export interface RegistryStorage {
  blobs: BlobStore;
  records: RecordStore;
}
