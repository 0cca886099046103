import type { Digest } from '../../../core/oci/digest.ts';

/** A part of a blob, both ends included, as in an HTTP Range. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * A blob that is being received. Bytes that were appended stay, whatever happens to the connection,
 * until `commit` or `discard`. One call at a time.
 */
export interface PartialBlob {
  /** Bytes received so far. */
  readonly length: number;
  /**
   * Takes bytes until the source ends, hashing them on the way and holding the source back while
   * the storage is behind. When the source fails, what came before is kept and the source's error
   * is thrown.
   * @returns how many bytes were added
   */
  append(source: AsyncIterable<Uint8Array>): Promise<number>;
  /** The digest of everything received, without using it up. */
  digest(algorithm: 'sha256' | 'sha512'): Promise<Digest>;
  /**
   * Makes the bytes readable under `digest`, which the caller has checked. The partial blob is gone
   * then.
   */
  commit(digest: Digest): Promise<void>;
  /** Throws the bytes away. */
  discard(): Promise<void>;
}

/** Bytes by digest, each once for all repositories. */
export interface BlobStore {
  /** Begins to receive a blob. `id` is a UUID. */
  create(id: string): Promise<PartialBlob>;
  /**
   * Goes on with a partial blob of an earlier process, cut to the `length` that was last
   * acknowledged.
   * @returns undefined where its bytes are gone
   */
  reopen(id: string, length: number): Promise<PartialBlob | undefined>;
  /** Throws away what an earlier process was receiving, those named excepted. */
  discardPartials(except: ReadonlySet<string>): Promise<void>;
  /** Stores a small blob (a manifest) whole. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  /**
   * A blob's bytes, or a range of them, as chunks.
   * @throws Error when there is no such blob
   */
  read(digest: Digest, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  /** Forgets a blob; readers that are under way go on. Unknown digests are fine. */
  remove(digest: Digest): Promise<void>;
}

/** A small JSON document under a key. */
export interface StoredRecord {
  key: string;
  value: unknown;
}

/**
 * The registry's memory of repositories, tags and uploads: documents, each written as a whole or
 * not at all.
 */
export interface RecordStore {
  /** Everything that is stored, in no order. */
  load(): Promise<StoredRecord[]>;
  put(key: string, value: unknown): Promise<void>;
  /** Unknown keys are fine. */
  remove(key: string): Promise<void>;
}

/** What a registry keeps. */
export interface RegistryStorage {
  blobs: BlobStore;
  records: RecordStore;
}
