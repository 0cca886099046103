import type { Digest } from '../../oci/digest.ts';

/** How far the upload of a blob in parts is: enough to go on in another process. */
export interface UploadCheckpoint {
  /** The registry's name of the upload. */
  uploadId: string;
  /** How large the registry wants the parts, bytes. */
  partSize: number;
  /** Bytes that the registry has acknowledged. */
  offset: number;
  /**
   * State of the hash over these bytes, base64, so that the digest of the whole is still verified.
   */
  hashState: string;
}

/**
 * Checkpoints of uploads, one a repository and blob. Each write is on condition of the one before,
 * which also keeps two workers from carrying on the same upload.
 */
export interface CheckpointStore {
  read(repository: string, digest: Digest): Promise<UploadCheckpoint | undefined>;
  /**
   * Replaces `last` (undefined: there is none, or it is of an upload that is gone).
   *
   * @returns false where something else than `last` is stored: another worker is at it.
   */
  write(
    repository: string,
    digest: Digest,
    next: UploadCheckpoint,
    last: UploadCheckpoint | undefined,
  ): Promise<boolean>;
  /**
   * Forgets the checkpoint, when the blob is complete or its upload is gone; only if it is still
   * this one.
   */
  remove(repository: string, digest: Digest, last: UploadCheckpoint): Promise<void>;
}
