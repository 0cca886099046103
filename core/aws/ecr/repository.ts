import { RepositoryNotFoundException } from '@aws-sdk/client-ecr';
import { inParallel } from '../../async/in-parallel.ts';
import { orAborted } from '../../async/or-aborted.ts';
import type { CheckpointStore } from '../../copy/blob/checkpoints.ts';
import type {
  BlobUpload,
  CallOptions,
  ImageDestination,
  ImageSource,
  ManifestOptions,
  OpenedUpload,
  PartUploadOptions,
} from '../../copy/ports.ts';
import { RegistryRepository } from '../../copy/registry-repository.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import type { Manifest } from '../../oci/manifest.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { StreamLimit } from '../../registry/stream-limit.ts';
import type { EcrAccess, EcrName } from './access.ts';
import { createRepository } from './create-repository.ts';
import { checkBatchSize, expectHoldable, heldLayers } from './layer-check.ts';
import { EcrLayerUploads } from './layer-uploads.ts';
import { EcrPartUpload } from './part-upload.ts';
import { type EcrSession, isTokenRefused } from './session.ts';

/** Calls at once; the quota is 1,000 a second for the whole account. */
const batchConcurrency = 8;

/**
 * The part of an ECR repository that uses the registry protocol. It does not check for existence at
 * POST: the API is asked about many blobs at once.
 */
class PlainRepository extends RegistryRepository {
  override get tellsPresence(): boolean {
    return false;
  }

  protected override get takesChunks(): boolean {
    return false;
  }
}

/**
 * An ECR repository: checks blobs a hundred at a time, and is created when it is first needed.
 *
 * When the registry refuses the token, a new one is fetched and the operation is retried once. If a
 * fresh token is refused, the error is permanent, since a permission is missing.
 */
export class EcrRepository implements ImageSource, ImageDestination {
  readonly name: string;
  /**
   * “Maximum layer size”, 52,000 MiB:
   * https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
   */
  readonly maxBlobBytes = 52_000 * 1024 * 1024;
  /** Absent without a store for checkpoints. */
  readonly uploadInParts?: ImageDestination['uploadInParts'];
  /** As {@link uploadInParts}. */
  readonly isInParts?: ImageDestination['isInParts'];
  readonly #names: EcrName;
  readonly #access: EcrAccess;
  /** Blobs whose bytes were refused once: {@link EcrRepository.openUpload}. */
  readonly #refusedBlobs = new Set<Digest>();

  constructor(access: EcrAccess, host: string, repository: string) {
    this.#access = access;
    this.name = `${host}/${repository}`;
    this.#names = { name: this.name, repositoryName: repository };
    const { checkpoints } = access;
    if (checkpoints) {
      this.uploadInParts = (blob, read, options) => this.#uploadInParts(checkpoints, blob, read, options);
      this.isInParts = async ({ digest }, options) => {
        options?.signal?.throwIfAborted();
        const reading = checkpoints.read(repository, digest);
        return (await orAborted(reading, options?.signal)) !== undefined;
      };
    }
  }

  get streams(): StreamLimit {
    return this.#access.sessions.streams;
  }

  async warm(connections: number, options?: CallOptions): Promise<void> {
    await this.#authorized((plain) => plain.warm(connections, options), options).catch(() => {});
  }

  referrers(digest: Digest, options?: CallOptions): Promise<Descriptor[]> {
    return this.#authorized((plain) => plain.referrers(digest, options), options);
  }

  manifest(reference: string, options?: ManifestOptions): Promise<Manifest> {
    return this.#authorized((plain) => plain.manifest(reference, options), options);
  }

  blob(
    descriptor: Descriptor,
    options?: CallOptions & { offset?: number },
  ): Promise<AsyncIterable<Uint8Array>> {
    return this.#authorized((plain) => plain.blob(descriptor, options), options);
  }

  readBlob(blob: Descriptor, options?: CallOptions): Promise<Uint8Array> {
    return this.#authorized((plain) => plain.readBlob(blob, options), options);
  }

  tagDigest(tag: string, options?: CallOptions): Promise<Digest | undefined> {
    return this.#authorized((plain) => plain.tagDigest(tag, options), options);
  }

  /** An archived manifest is reported as missing, and is restored when it is put again. */
  hasManifest(manifest: Manifest, options?: CallOptions): Promise<boolean> {
    return this.#authorized((plain) => plain.hasManifest(manifest, options), options);
  }

  /**
   * ECR refuses to put an immutable tag even for the digest that it already points to. That is not
   * a failure, so callers do not need to check first.
   * https://github.com/aws/containers-roadmap/issues/2380
   */
  async putManifest(manifest: Manifest, reference: string, options?: CallOptions): Promise<void> {
    try {
      await this.#authorized((plain) => plain.putManifest(manifest, reference, options), options);
    } catch (error) {
      const immutable =
        error instanceof RegistryError && error.code === 'TAG_INVALID' && !isDigest(reference);
      if (!immutable || (await this.tagDigest(reference, options)) !== manifest.digest) throw error;
    }
  }

  async openUpload(blob: Descriptor, options?: CallOptions & { mountFrom?: string }): Promise<OpenedUpload> {
    expectHoldable([blob]);
    return await this.#authorized(async (plain, session) => {
      const opened = await plain.openUpload(blob, options);
      if (opened.kind !== 'session') return opened;
      const upload: BlobUpload = {
        write: (body, call) => this.#write({ upload: opened.upload, blob, session }, body, call),
        cancel: () => opened.upload.cancel(),
      };
      return { kind: 'session', upload };
    }, options);
  }

  async presentBlobs(blobs: Descriptor[], options?: CallOptions): Promise<Set<Digest>> {
    expectHoldable(blobs);
    const { refused } = this.#access.sessions;
    if (refused.has('batch-check')) return await this.#presentWithoutBatches(blobs, options);
    const batches: Descriptor[][] = [];
    for (let start = 0; start < blobs.length; start += checkBatchSize)
      batches.push(blobs.slice(start, start + checkBatchSize));
    try {
      // There is nothing to ask (an index without children), but the repository must still be
      // created.
      if (batches.length === 0) await createRepository(this.#access, this.#names, options);
      const present = await inParallel(
        batches,
        batchConcurrency,
        (batch, signal) => heldLayers(this.#access, this.#names, batch, { signal }),
        options?.signal,
      );
      return new Set(present.flat());
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      if (error.code === 'AccessDeniedException' && error.operation === 'BatchCheckLayerAvailability') {
        const present = await this.#presentWithoutBatches(blobs, options);
        refused.add('batch-check');
        return present;
      }
      if (!(error.cause instanceof RepositoryNotFoundException)) throw error;
      await createRepository(this.#access, this.#names, options);
      return new Set();
    }
  }

  /**
   * Asks for each blob over the registry protocol, if the role may not use batch checks. Then
   * nothing shows whether the repository exists, so it is created. The role may lack that
   * permission, too, which does not matter if the repository exists.
   */
  async #presentWithoutBatches(blobs: Descriptor[], options?: CallOptions): Promise<Set<Digest>> {
    await createRepository(this.#access, this.#names, options).catch((error) => {
      if (!(error instanceof RegistryError) || error.code !== 'AccessDeniedException') throw error;
    });
    return await this.#authorized((plain) => plain.presentBlobs(blobs, options), options);
  }

  async #uploadInParts(
    checkpoints: CheckpointStore,
    blob: Descriptor,
    read: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
    options?: PartUploadOptions,
  ): Promise<void> {
    expectHoldable([blob]);
    const { name, repositoryName } = this.#names;
    const access = {
      name,
      repository: repositoryName,
      checkpoints,
      uploads: new EcrLayerUploads(this.#access.ecr, repositoryName, name),
      isPresent: async () => (await this.presentBlobs([blob], options)).has(blob.digest),
    };
    await new EcrPartUpload(access, blob, read, options).run();
  }

  /**
   * Runs an operation of the registry protocol, and retries it once with a new token if the current
   * one is refused.
   */
  async #authorized<T>(
    operation: (plain: RegistryRepository, session: EcrSession) => Promise<T>,
    options?: CallOptions,
  ): Promise<T> {
    const { sessions } = this.#access;
    const run = (session: EcrSession) =>
      operation(new PlainRepository(session.client, session.host, this.#names.repositoryName), session);
    const session = await sessions.open(options);
    try {
      return await run(session);
    } catch (error) {
      if (!isTokenRefused(error)) throw error;
      sessions.drop(session);
      return await run(await sessions.open(options));
    }
  }

  /**
   * A body can't be sent again from here. The first refusal is temporary, so the blob starts again.
   */
  async #write(
    { upload, blob, session }: { upload: BlobUpload; blob: Descriptor; session: EcrSession },
    body: AsyncIterable<Uint8Array>,
    call?: CallOptions,
  ): Promise<void> {
    try {
      await upload.write(body, call);
      this.#refusedBlobs.delete(blob.digest);
    } catch (error) {
      if (!isTokenRefused(error)) throw error;
      const temporary = !this.#refusedBlobs.has(blob.digest);
      this.#refusedBlobs.add(blob.digest);
      this.#access.sessions.drop(session);
      const reason = temporary ? 'the token was refused' : 'the token was refused, and so was a fresh one';
      throw new RegistryError(error, {
        code: error.code,
        status: error.status,
        reason: `${reason}: ${error.message}`,
        temporary,
        cause: error,
      });
    }
  }
}
