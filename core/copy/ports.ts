import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';

/** What every operation takes: cancelling ends it within a moment and rejects with the signal's reason. */
export interface CallOptions {
  signal?: AbortSignal;
}

/** One repository that images are read from. */
export interface ImageSource {
  /** `registry/repository`, for messages. */
  readonly name: string;
  /** Reads one manifest by tag or digest, verified and parsed; its bytes are kept as they came. */
  manifest(reference: string, options?: CallOptions): Promise<Manifest>;
  /** Opens a blob's bytes. The caller verifies the digest; the stream ends after `descriptor.size` bytes or fails. */
  blob(descriptor: Descriptor, options?: CallOptions): Promise<AsyncIterable<Uint8Array>>;
}

/** An upload that the destination has opened: either write all bytes into it, or cancel it. */
export interface BlobUpload {
  write(body: AsyncIterable<Uint8Array>, options?: CallOptions): Promise<void>;
  /** Gives the session back, best effort: it never rejects. */
  cancel(): Promise<void>;
}

/** How a destination answers the wish to store a blob. */
export type OpenedUpload = { kind: 'mounted' } | { kind: 'session'; upload: BlobUpload };

/** One repository that images are written to. */
export interface ImageDestination {
  /** `registry/repository`, for messages. */
  readonly name: string;
  /** The largest blob that it takes, bytes; absent where it sets no limit. */
  readonly maxBlobBytes?: number;
  /**
   * Which of these blobs the repository holds; any number, the destination asks in batches. It is the first thing asked
   * of a destination, and where the repository does not exist yet it is created now: at Amazon ECR an upload to a
   * missing repository drops the connection (CR#1970).
   *
   * @throws CopyError SIZE_INVALID where it holds a blob with another size than the descriptor says.
   */
  presentBlobs(blobs: Descriptor[], options?: CallOptions): Promise<Set<Digest>>;
  /** Opens an upload, or mounts the blob from another repository of the same registry if that succeeds at once. */
  openUpload(blob: Descriptor, options?: CallOptions & { mountFrom?: string }): Promise<OpenedUpload>;
  /**
   * Whether it holds the manifest with this digest and media type. A destination that can't tell at the price of less
   * than putting it again does without.
   */
  hasManifest?(manifest: Manifest, options?: CallOptions): Promise<boolean>;
  /** Stores a manifest under a tag or its digest. Children must be there before their index. */
  putManifest(manifest: Manifest, reference: string, options?: CallOptions): Promise<void>;
  /** What the tag points to now, or undefined where there is no such tag. */
  tagDigest(tag: string, options?: CallOptions): Promise<Digest | undefined>;
  /** Reads a small blob (a config) that the repository holds. */
  readBlob(blob: Descriptor, options?: CallOptions): Promise<Uint8Array>;
}

/** A number of blobs and their bytes. */
export interface Amount {
  blobs: number;
  bytes: number;
}

/** What a copy did with the image's blobs, each counted once. */
export interface Transfer {
  /** Read from the source and uploaded. */
  copied: Amount;
  /** Made available from another repository of the mirror, without a transfer. */
  mounted: Amount;
  /** There already. */
  present: Amount;
}

/** Counts that start at nothing. */
export function emptyTransfer(): Transfer {
  const nothing = () => ({ blobs: 0, bytes: 0 });
  return { copied: nothing(), mounted: nothing(), present: nothing() };
}
