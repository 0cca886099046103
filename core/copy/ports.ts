import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { StreamLimit } from '../registry/stream-limit.ts';

/** Options of every operation: cancelling ends it promptly and rejects with the signal's reason. */
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
   * Reads one manifest by tag or digest, verified and parsed; its bytes are kept as received. With
   * a `mediaType` (from the descriptor that names it), it also reads types that are not known here.
   */
  manifest(reference: string, options?: ManifestOptions): Promise<Manifest>;
  /**
   * Opens a blob's bytes from `offset` on (default 0). The caller verifies the digest; the stream
   * ends with the blob's last byte or fails. It is a Readable if the bytes come over the network:
   * its chunks then pass without a promise for each.
   */
  blob(
    descriptor: Descriptor,
    options?: CallOptions & { offset?: number },
  ): Promise<AsyncIterable<Uint8Array>>;
  /**
   * The manifests that refer to a manifest as their `subject`; empty if the registry knows none.
   */
  referrers?(digest: Digest, options?: CallOptions): Promise<Descriptor[]>;
  /**
   * What a tag points to now, or undefined if there is no such tag. For a digest, the digest itself
   * if it exists.
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

/** An upload that the destination has opened: write all bytes into it, or cancel it. */
export interface BlobUpload {
  write(body: AsyncIterable<Uint8Array>, options?: CallOptions): Promise<void>;
  /** Ends the session, best effort: it never rejects. */
  cancel(): Promise<void>;
}

/**
 * How a destination answers a request to store a blob: the blob is already there, it was made
 * available from another repository, or this is where the bytes go.
 */
export type OpenedUpload =
  | { kind: 'present' }
  | { kind: 'mounted' }
  | { kind: 'session'; upload: BlobUpload };

/** Options of an upload in parts. */
export interface PartUploadOptions extends CallOptions {
  /**
   * Receives how many more bytes the registry holds than at the last call. The first call includes
   * bytes that earlier processes sent. Negative if the upload starts again.
   */
  onBytes?: (bytes: number) => void;
}

/** One repository that images are written to. */
export interface ImageDestination {
  /** `registry/repository`, for messages. */
  readonly name: string;
  /** The largest blob that it accepts, in bytes; absent if there is no limit. */
  readonly maxBlobBytes?: number;
  /**
   * Which of these blobs the repository holds. Takes any number; the destination asks in batches.
   * It is the first call to a destination. A repository that does not exist yet is created now: at
   * Amazon ECR, an upload to a missing repository drops the connection (CR#1970).
   *
   * @throws CopyError SIZE_INVALID if it holds a blob with a size other than the descriptor's.
   */
  presentBlobs(blobs: Descriptor[], options?: CallOptions): Promise<Set<Digest>>;
  /**
   * Whether {@link openUpload} reports by itself, in the same request, that the blob is present:
   * asking for each one before would only cost requests.
   */
  readonly tellsPresence?: boolean;
  /**
   * Opens an upload, or mounts the blob from another repository of the same registry if that
   * succeeds at once.
   */
  openUpload(blob: Descriptor, options?: CallOptions & { mountFrom?: string }): Promise<OpenedUpload>;
  /**
   * Uploads a blob in parts. Each part is recorded once the registry has it, so that another
   * process can continue after the last one. At most two parts are in memory. Absent if the
   * registry has no such upload. The digest is verified over the whole blob, including parts that
   * earlier processes sent.
   *
   * @param read opens the blob at an offset; it may be called again after a stream broke.
   * @throws CopyError SIZE_INVALID or DIGEST_INVALID, RegistryError of either side, or the signal's
   *   reason. The recorded progress stays.
   */
  uploadInParts?(
    blob: Descriptor,
    read: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
    options?: PartUploadOptions,
  ): Promise<void>;
  /** Whether an upload of the blob in parts is in progress, in this process or another one. */
  isInParts?(blob: Descriptor, options?: CallOptions): Promise<boolean>;
  /**
   * Sees that so many connections are open ahead of the requests that will need them, best effort:
   * never rejects.
   */
  warm?(connections: number, options?: CallOptions): Promise<void>;
  /** How many streams its registry takes at once; absent where nothing is known of it. */
  readonly streams?: StreamLimit | undefined;
  /**
   * Whether it holds the manifest with this digest and media type. A destination omits this if
   * asking costs as much as putting the manifest again.
   */
  hasManifest?(manifest: Manifest, options?: CallOptions): Promise<boolean>;
  /** Stores a manifest under a tag or its digest. Children must exist before their index. */
  putManifest(manifest: Manifest, reference: string, options?: CallOptions): Promise<void>;
  /** What the tag points to now, or undefined if there is no such tag. */
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
  /** Already there. */
  present: Amount;
}

/** Counts that start at zero. */
export function emptyTransfer(): Transfer {
  const nothing = () => ({ blobs: 0, bytes: 0 });
  return { copied: nothing(), mounted: nothing(), present: nothing() };
}
