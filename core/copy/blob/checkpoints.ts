import type { Digest } from '../../oci/digest.ts';

/** How far the upload of a blob in parts has come: enough to continue in another process. */
export interface UploadCheckpoint {
  /** The registry's name of the upload. */
  uploadId: string;
  /** The part size that the registry asks for, in bytes. */
  partSize: number;
  /** Bytes that the registry has acknowledged. */
  offset: number;
  /**
   * State of the hash over these bytes, base64, so that the digest of the whole is still verified.
   */
  hashState: string;
}

/**
 * Checkpoints of uploads, one per repository and blob. Each write is conditional on the one before,
 * which also keeps two workers from continuing the same upload.
 */
export interface CheckpointStore {
  read(repository: string, digest: Digest): Promise<UploadCheckpoint | undefined>;
  /**
   * Replaces `last` (undefined: there is none, or its upload is gone).
   *
   * @returns false if something other than `last` is stored: another worker is uploading.
   */
  write(
    repository: string,
    digest: Digest,
    next: UploadCheckpoint,
    last: UploadCheckpoint | undefined,
  ): Promise<boolean>;
  /**
   * Removes the checkpoint, when the blob is complete or its upload is gone, but only if it is
   * still this one.
   */
  remove(repository: string, digest: Digest, last: UploadCheckpoint): Promise<void>;
}
