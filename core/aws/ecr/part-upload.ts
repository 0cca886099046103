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

/** What an upload in parts needs of its repository. */
export interface PartUploadAccess extends NotedUploadAccess {
  uploads: EcrLayerUploads;
  isPresent(blob: Descriptor): Promise<boolean>;
}

/** How often an upload is begun anew before the registry counts as in trouble. */
const maxBegun = 2;

/**
 * What a run over the parts came to: all are there, the registry is at another byte, or the upload
 * can't be gone on with.
 */
type Transferred = { kind: 'all' } | PartAnswer;
type Sent = { kind: 'noted' } | PartAnswer;

/**
 * Uploads one layer in parts, from its checkpoint on if there is one.
 *
 * Each part that the registry acknowledges is noted in the checkpoint on condition of the last one:
 * a worker that finds another's note steps back at once. Parts are sent one after the other, and
 * the next one is read meanwhile.
 */
export class EcrPartUpload {
  readonly #access: PartUploadAccess;
  readonly #blob: Descriptor;
  readonly #read: (offset: number) => Promise<AsyncIterable<Uint8Array>>;
  readonly #options: PartUploadOptions;
  readonly #noted: NotedUpload;
  /** Bytes that {@link PartUploadOptions.onBytes} was told of. */
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
   * Ends when the repository has the layer. Not to be called twice.
   *
   * @throws CopyError SIZE_INVALID, DIGEST_INVALID or IMAGE_TOO_LARGE; RegistryError UPLOAD_BUSY
   *   where another worker is at it, or others of either side; the signal's reason. The checkpoint
   *   stays, unless the bytes were wrong.
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
        // Completed, and the answer or the end of the checkpoint was lost: then the upload is gone,
        // too.
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
   * A new upload, noted before its first part: of two workers that begin at the same time, one goes
   * on.
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
   * @param ahead what the registry holds although the checkpoint says less: read and hashed, and
   * not sent. Bytes.
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
        // Behind what is noted, or beyond the blob: an upload that nobody understands.
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
      // A part under way is not lost with its successor.
      await sending.catch(() => {});
      throw error;
    } finally {
      ended.abort();
      source.close();
    }
  }

  /** After a new beginning less is in the registry's hands: the number told is negative then. */
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
          'see whether the repository is being deleted and created again; otherwise the registry has trouble',
        temporary: true,
      },
    );
  }
}

function isContentWrong(error: unknown): boolean {
  if (!(error instanceof CopyError) && !(error instanceof RegistryError && !error.temporary)) return false;
  return error.code === 'DIGEST_INVALID' || error.code === 'SIZE_INVALID';
}
