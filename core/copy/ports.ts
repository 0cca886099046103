import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { StreamLimit } from '../registry/stream-limit.ts';

/**
 * What every operation takes: cancelling ends it within a moment and rejects with the signal's
 * reason.
 */
export interface CallOptions {
  signal?: AbortSignal;
}

export interface ManifestOptions extends CallOptions {
  mediaType?: string;
}

/** One repository that images are read from. */
export interface ImageSource {
  /** `registry/repository`, for messages. */
  readonly name: string;
  /**
   * Reads one manifest by tag or digest, verified and parsed; its bytes are kept as they came. With
   * a `mediaType`, that of the descriptor that names it, also one of a type that is not known here.
   */
  manifest(reference: string, options?: ManifestOptions): Promise<Manifest>;
  /**
   * Opens a blob's bytes from `offset` on (default 0). The caller verifies the digest; the stream
   * ends with the blob's last byte or fails. A Readable where the bytes come over the wire: its
   * chunks then pass without a promise each.
   */
  blob(
    descriptor: Descriptor,
    options?: CallOptions & { offset?: number },
  ): Promise<AsyncIterable<Uint8Array>>;
  /** What refers to a manifest by its `subject`; empty where the registry knows no referrers. */
  referrers?(digest: Digest, options?: CallOptions): Promise<Descriptor[]>;
  /**
   * What a tag points to now, or undefined where there is no such tag; of a digest, itself where it
   * is there.
   */
  tagDigest?(tag: string, options?: CallOptions): Promise<Digest | undefined>;
  /** Whether the repository serves a blob with this digest and size. */
  hasBlob?(blob: Descriptor, options?: CallOptions): Promise<boolean>;
  /**
   * Sees that so many connections are open ahead of the requests that will need them, best effort:
   * never rejects.
   */
  warm?(connections: number, options?: CallOptions): Promise<void>;
  /** How many streams its registry takes at once; absent where nothing is known of it. */
  readonly streams?: StreamLimit | undefined;
}

/** An upload that the destination has opened: either write all bytes into it, or cancel it. */
export interface BlobUpload {
  write(body: AsyncIterable<Uint8Array>, options?: CallOptions): Promise<void>;
  /** Gives the session back, best effort: it never rejects. */
  cancel(): Promise<void>;
}

/**
 * How a destination answers the wish to store a blob: it is there already, it was made available
 * from another repository, or here is where the bytes go.
 */
export type OpenedUpload =
  | { kind: 'present' }
  | { kind: 'mounted' }
  | { kind: 'session'; upload: BlobUpload };

/** What an upload in parts takes. */
export interface PartUploadOptions extends CallOptions {
  /**
   * Told how many more bytes are in the registry's hands than at the last call; the first call
   * counts what former processes sent. Less than nothing where the upload begins anew.
   */
  onBytes?: (bytes: number) => void;
}

/** One repository that images are written to. */
export interface ImageDestination {
  /** `registry/repository`, for messages. */
  readonly name: string;
  /** The largest blob that it takes, bytes; absent where it sets no limit. */
  readonly maxBlobBytes?: number;
  /**
   * Which of these blobs the repository holds; any number, the destination asks in batches. It is
   * the first thing asked of a destination, and where the repository does not exist yet it is
   * created now: at Amazon ECR an upload to a missing repository drops the connection (CR#1970).
   *
   * @throws CopyError SIZE_INVALID where it holds a blob with another size than the descriptor
   *   says.
   */
  presentBlobs(blobs: Descriptor[], options?: CallOptions): Promise<Set<Digest>>;
  /**
   * Whether {@link openUpload} tells by itself, in the same request, that the blob is present:
   * asking for each before would only cost requests.
   */
  readonly tellsPresence?: boolean;
  /**
   * Opens an upload, or mounts the blob from another repository of the same registry if that
   * succeeds at once.
   */
  openUpload(blob: Descriptor, options?: CallOptions & { mountFrom?: string }): Promise<OpenedUpload>;
  /**
   * Uploads a blob in parts, each noted when the registry has it, so that another process can go on
   * after the last one. At most two parts are in memory. Absent where the registry has no such
   * upload. The digest is verified over the whole, also what former processes sent.
   *
   * @param read opens the blob from an offset on; it may be called again after a stream that broke.
   * @throws CopyError SIZE_INVALID or DIGEST_INVALID, RegistryError of either side, or the signal's
   *   reason: what is noted stays.
   */
  uploadInParts?(
    blob: Descriptor,
    read: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
    options?: PartUploadOptions,
  ): Promise<void>;
  /** Whether an upload of the blob in parts is under way: noted by this process or another one. */
  isInParts?(blob: Descriptor, options?: CallOptions): Promise<boolean>;
  /**
   * Sees that so many connections are open ahead of the requests that will need them, best effort:
   * never rejects.
   */
  warm?(connections: number, options?: CallOptions): Promise<void>;
  /** How many streams its registry takes at once; absent where nothing is known of it. */
  readonly streams?: StreamLimit | undefined;
  /**
   * Whether it holds the manifest with this digest and media type. A destination that can't tell at
   * the price of less than putting it again does without.
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
