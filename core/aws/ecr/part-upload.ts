import { orAborted } from '../../async/or-aborted.ts';
import type { UploadCheckpoint } from '../../copy/blob/checkpoints.ts';
import { type Part, PartSource } from '../../copy/blob/part-source.ts';
import { CopyError } from '../../copy/errors.ts';
import type { PartUploadOptions } from '../../copy/ports.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import { createResumableDigest, loadResumableDigest } from '../../oci/resumable-digest.ts';
import { RegistryError } from '../../registry/errors.ts';
import { type EcrLayerUploads, maxLayerParts, type PartAnswer } from './layer-uploads.ts';
import { NotedUpload, type NotedUploadAccess } from './noted-upload.ts';

/** What an upload in parts needs from its repository. */
export interface PartUploadAccess extends NotedUploadAccess {
  uploads: EcrLayerUploads;
  isPresent(blob: Descriptor): Promise<boolean>;
}

/** How often an upload is started before the registry counts as failing. */
const maxBegun = 2;

/**
 * The result of a run over the parts: all are there, the registry is at a different offset, or the
 * upload can't continue.
 */
type Transferred = { kind: 'all' } | PartAnswer;
type Sent = { kind: 'noted' } | PartAnswer;

/**
 * Uploads one layer in parts, starting from its checkpoint if there is one.
 *
 * Each part that the registry acknowledges is recorded in the checkpoint, on the condition that the
 * checkpoint is unchanged. A worker that finds another worker's entry stops at once. Parts are sent
 * one after the other, and the next one is read in the meantime.
 */
export class EcrPartUpload {
  readonly #access: PartUploadAccess;
  readonly #blob: Descriptor;
  readonly #read: (offset: number) => Promise<AsyncIterable<Uint8Array>>;
  readonly #options: PartUploadOptions;
  readonly #noted: NotedUpload;
  /** Bytes reported to {@link PartUploadOptions.onBytes}. */
  #told = 0;

  constructor(
    access: PartUploadAccess,
    blob: Descriptor,
    read: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
    options: PartUploadOptions = {},
  ) {
    this.#access = access;
    this.#blob = blob;
    this.#read = read;
    this.#options = options;
    this.#noted = new NotedUpload(access, blob, options.signal);
  }

  /**
   * Ends when the repository has the layer. Must not be called twice.
   *
   * @throws CopyError SIZE_INVALID, DIGEST_INVALID or IMAGE_TOO_LARGE; RegistryError UPLOAD_BUSY if
   *   another worker is uploading it, or other errors of either side; the signal's reason. The
   *   checkpoint stays, unless the bytes were wrong.
   */
  async run(): Promise<void> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    try {
      await orAborted(this.#run(), signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (isContentWrong(error)) await this.#noted.forget();
      throw error;
    }
    await this.#noted.forget();
    this.#tell(this.#blob.size);
  }

  async #run(): Promise<void> {
    const { uploads, isPresent } = this.#access;
    let noted = await this.#noted.recall();
    let ahead = 0;
    for (let begun = 0; ; ) {
      if (!noted) {
        // It may have been completed, and the answer or the removal of the checkpoint was lost.
        // Then the upload is gone, too.
        if (this.#noted.stored && (await isPresent(this.#blob))) return;
        if (begun === maxBegun) throw this.#lost();
        noted = await this.#begin();
        begun += 1;
      }
      this.#tell(noted.offset);
      const transferred = await this.#transfer(noted, ahead);
      const complete =
        transferred.kind === 'all' &&
        (await uploads.complete(noted.uploadId, this.#blob.digest, this.#options));
      if (complete) return;
      ahead = transferred.kind === 'holds' ? transferred.bytes : 0;
      noted = ahead > 0 ? this.#noted.stored : undefined;
    }
  }

  /**
   * A new upload, recorded before its first part: if two workers begin at the same time, one
   * continues.
   */
  async #begin(): Promise<UploadCheckpoint> {
    const { digest, size } = this.#blob;
    const begun = await this.#access.uploads.initiate(this.#options);
    if (size > begun.partSize * maxLayerParts) {
      const limit = `${maxLayerParts} parts of ${begun.partSize} bytes that ${this.#access.name} takes`;
      throw new CopyError('IMAGE_TOO_LARGE', digest, `its ${size} bytes are more than the ${limit}`);
    }
    const hashState = (await createResumableDigest(digestAlgorithm(digest))).save();
    return await this.#noted.note({ ...begun, offset: 0, hashState });
  }

  /**
   * @param ahead bytes that the registry holds beyond the checkpoint: they are read and hashed, but
   *   not sent.
   */
  async #transfer(from: UploadCheckpoint, ahead: number): Promise<Transferred> {
    const ended = new AbortController();
    const { signal } = this.#options;
    const algorithm = digestAlgorithm(this.#blob.digest);
    const digest = await loadResumableDigest(algorithm, from.hashState, from.offset);
    const source = new PartSource(
      this.#blob,
      this.#read,
      { offset: from.offset, digest },
      signal ? AbortSignal.any([signal, ended.signal]) : ended.signal,
    );
    let noted = from;
    const send = async (part: Part): Promise<Sent> => {
      const end = part.offset + part.bytes.byteLength;
      if (end > ahead) {
        const answer = await this.#access.uploads.send(from.uploadId, part, this.#options);
        if (answer.kind === 'lost') return answer;
        // Behind the checkpoint, or beyond the blob: the state of the upload makes no sense.
        if (answer.bytes <= part.offset || answer.bytes > this.#blob.size) return { kind: 'lost' };
        if (answer.bytes !== end) return answer;
      }
      noted = await this.#noted.note({ ...noted, offset: end, hashState: part.hashState });
      this.#tell(end);
      return { kind: 'noted' };
    };
    let sending: Promise<Sent> = Promise.resolve({ kind: 'noted' });
    try {
      for (;;) {
        const known = ahead - source.position;
        const size = known > 0 ? Math.min(known, from.partSize) : from.partSize;
        const [sent, part] = await Promise.all([sending, source.next(size)]);
        if (sent.kind !== 'noted') return sent;
        if (part === undefined) return { kind: 'all' };
        sending = send(part);
      }
    } catch (error) {
      // The part in progress must not be lost when the next one fails.
      await sending.catch(() => {});
      throw error;
    } finally {
      ended.abort();
      source.close();
    }
  }

  /** After a restart the registry holds less: the reported number is then negative. */
  #tell(held: number): void {
    const bytes = held - this.#told;
    this.#told = held;
    if (bytes !== 0) this.#options.onBytes?.(bytes);
  }

  #lost(): RegistryError {
    return new RegistryError(
      { side: 'mirror', registry: this.#access.name, operation: 'UploadLayerPart' },
      {
        code: 'UPLOAD_LOST',
        reason: `the upload of ${this.#blob.digest} ended before it was complete, ${maxBegun} times`,
        remedy:
          'check whether the repository is being deleted and created again; otherwise the registry is failing',
        temporary: true,
      },
    );
  }
}

function isContentWrong(error: unknown): boolean {
  if (!(error instanceof CopyError) && !(error instanceof RegistryError && !error.temporary)) return false;
  return error.code === 'DIGEST_INVALID' || error.code === 'SIZE_INVALID';
}
