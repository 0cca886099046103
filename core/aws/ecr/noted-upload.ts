import { orAborted } from '../../async/or-aborted.ts';
import type { CheckpointStore, UploadCheckpoint } from '../../copy/blob/checkpoints.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import { InvalidDigestStateError, loadResumableDigest } from '../../oci/resumable-digest.ts';
import { isPartSize, uploadBusy } from './layer-uploads.ts';

/** Where the checkpoint of a layer's upload is. */
export interface NotedUploadAccess {
  checkpoints: CheckpointStore;
  /** The repository, as checkpoints name it. */
  repository: string;
  /** `host/repository`, for messages. */
  name: string;
}

/** The checkpoint of one layer's upload, read once and then written by this worker alone. */
export class NotedUpload {
  readonly #access: NotedUploadAccess;
  readonly #blob: Descriptor;
  readonly #signal: AbortSignal | undefined;
  #stored: UploadCheckpoint | undefined;

  constructor(access: NotedUploadAccess, blob: Descriptor, signal: AbortSignal | undefined) {
    this.#access = access;
    this.#blob = blob;
    this.#signal = signal;
  }

  /** What is stored, as far as this worker knows. Its upload may be gone. */
  get stored(): UploadCheckpoint | undefined {
    return this.#stored;
  }

  /**
   * Reads the checkpoint; undefined if there is none, or none that is valid for this blob. If it
   * was damaged or forged, the upload starts again and replaces it.
   */
  async recall(): Promise<UploadCheckpoint | undefined> {
    const { checkpoints, repository } = this.#access;
    const { digest, size } = this.#blob;
    const stored = await checkpoints.read(repository, digest);
    this.#stored = stored;
    if (!stored?.uploadId || !isPartSize(stored.partSize)) return undefined;
    const { offset, hashState } = stored;
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > size) return undefined;
    try {
      const hash = await loadResumableDigest(digestAlgorithm(digest), hashState, offset);
      return offset < size || hash.digest() === digest ? stored : undefined;
    } catch (error) {
      if (error instanceof InvalidDigestStateError) return undefined;
      throw error;
    }
  }

  /**
   * Writes how far the upload has come.
   *
   * @throws RegistryError UPLOAD_BUSY if another worker wrote in the meantime.
   */
  async note(next: UploadCheckpoint): Promise<UploadCheckpoint> {
    const { checkpoints, repository, name } = this.#access;
    this.#signal?.throwIfAborted();
    if (!(await checkpoints.write(repository, this.#blob.digest, next, this.#stored))) {
      throw uploadBusy(name, `another worker is uploading ${this.#blob.digest}`);
    }
    this.#stored = next;
    return next;
  }

  /**
   * Removes the checkpoint, best effort. If it stays, its next reader finds out that the upload is
   * gone.
   */
  async forget(): Promise<void> {
    const { checkpoints, repository } = this.#access;
    if (!this.#stored) return;
    const removing = checkpoints.remove(repository, this.#blob.digest, this.#stored);
    await orAborted(removing, this.#signal).catch(() => {});
  }
}
