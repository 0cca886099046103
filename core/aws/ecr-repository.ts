import {
  BatchCheckLayerAvailabilityCommand,
  CreateRepositoryCommand,
  type ECRClient,
  RepositoryAlreadyExistsException,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';
import type { MirrorConfig } from '../config/config.ts';
import { inParallel } from '../copy/in-parallel.ts';
import type { BlobUpload, CallOptions, ImageDestination, ImageSource, OpenedUpload } from '../copy/ports.ts';
import { RegistryRepository } from '../copy/registry-repository.ts';
import { expectHeldSize } from '../copy/verify.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import { RegistryError } from '../registry/errors.ts';
import type { StreamLimit } from '../registry/stream-limit.ts';
import { called } from './ecr-call.ts';
import { type EcrSession, type EcrSessions, isTokenRefused } from './ecr-session.ts';

/** BatchCheckLayerAvailability takes at most this many digests. */
const batchSize = 100;
/** Calls at once; the quota is 1,000 a second for the whole account. */
const batchConcurrency = 8;

/** The protocol's part of an ECR repository. It makes no existence check of its own at POST: the API is asked, for many at once. */
class PlainRepository extends RegistryRepository {
  override get tellsPresence(): boolean {
    return false;
  }
}

/** What a repository needs of its registry. */
export interface EcrAccess {
  ecr: ECRClient;
  sessions: EcrSessions;
  settings: MirrorConfig['repository'];
}

/**
 * An ECR repository: asks for blobs a hundred at a time, and creates itself on first need.
 *
 * When the registry refuses the token, a new one is fetched and the operation repeated once; a token that is refused when
 * it is fresh is an error for good, since it is a permission that is missing.
 */
export class EcrRepository implements ImageSource, ImageDestination {
  readonly name: string;
  /** “Maximum layer size”, 52,000 MiB: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html */
  readonly maxBlobBytes = 52_000 * 1024 * 1024;
  readonly #repository: string;
  readonly #access: EcrAccess;
  /** Blobs whose bytes were refused once: {@link EcrRepository.openUpload}. */
  readonly #refusedBlobs = new Set<Digest>();

  constructor(access: EcrAccess, host: string, repository: string) {
    this.#access = access;
    this.#repository = repository;
    this.name = `${host}/${repository}`;
  }

  get streams(): StreamLimit {
    return this.#access.sessions.streams;
  }

  warm(connections: number, options?: CallOptions): void {
    this.#authorized(async (plain) => plain.warm(connections, options), options).catch(() => {});
  }

  referrers(digest: Digest, options?: CallOptions): Promise<Descriptor[]> {
    return this.#authorized((plain) => plain.referrers(digest, options), options);
  }

  manifest(reference: string, options?: CallOptions): Promise<Manifest> {
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

  /** A manifest in the archive is told as missing, and restored by being put again. */
  hasManifest(manifest: Manifest, options?: CallOptions): Promise<boolean> {
    return this.#authorized((plain) => plain.hasManifest(manifest, options), options);
  }

  putManifest(manifest: Manifest, reference: string, options?: CallOptions): Promise<void> {
    return this.#authorized((plain) => plain.putManifest(manifest, reference, options), options);
  }

  openUpload(blob: Descriptor, options?: CallOptions & { mountFrom?: string }): Promise<OpenedUpload> {
    return this.#authorized(async (plain, session) => {
      const opened = await plain.openUpload(blob, options);
      if (opened.kind !== 'session') return opened;
      const upload: BlobUpload = {
        write: (body, call) => this.#write(opened.upload, blob, session, body, call),
        cancel: () => opened.upload.cancel(),
      };
      return { kind: 'session', upload };
    }, options);
  }

  async presentBlobs(blobs: Descriptor[], options?: CallOptions): Promise<Set<Digest>> {
    const batches: Descriptor[][] = [];
    for (let start = 0; start < blobs.length; start += batchSize)
      batches.push(blobs.slice(start, start + batchSize));
    try {
      // Nothing to ask (an index without children), and still somebody has to create the repository.
      if (batches.length === 0) await this.#create(options);
      const present = await inParallel(
        batches,
        batchConcurrency,
        (batch, signal) => this.#check(batch, { signal }),
        options?.signal,
      );
      return new Set(present.flat());
    } catch (error) {
      if (!(error instanceof RegistryError && error.cause instanceof RepositoryNotFoundException))
        throw error;
      await this.#create(options);
      return new Set();
    }
  }

  /** Runs an operation of the registry protocol, and once more with a new token where the present one is refused. */
  async #authorized<T>(
    operation: (plain: RegistryRepository, session: EcrSession) => Promise<T>,
    options?: CallOptions,
  ): Promise<T> {
    const { sessions } = this.#access;
    const run = (session: EcrSession) =>
      operation(new PlainRepository(session.client, session.host, this.#repository), session);
    const session = await sessions.open(options);
    try {
      return await run(session);
    } catch (error) {
      if (!isTokenRefused(error)) throw error;
      sessions.drop(session);
      return await run(await sessions.open(options));
    }
  }

  /** A body can't be sent again from here: the first refusal is one that passes, so that the blob is begun anew. */
  async #write(
    upload: BlobUpload,
    blob: Descriptor,
    session: EcrSession,
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
      const reason = temporary ? 'the token was refused' : 'the token was refused, and a fresh one, too';
      throw new RegistryError(error, {
        code: error.code,
        status: error.status,
        reason: `${reason}: ${error.message}`,
        temporary,
        cause: error,
      });
    }
  }

  async #check(batch: Descriptor[], options?: CallOptions): Promise<Digest[]> {
    const { layers = [], failures = [] } = await called(
      'BatchCheckLayerAvailability',
      this.name,
      () =>
        this.#access.ecr.send(
          new BatchCheckLayerAvailabilityCommand({
            repositoryName: this.#repository,
            layerDigests: batch.map((blob) => blob.digest),
          }),
          { abortSignal: options?.signal },
        ),
      options,
    );
    const refused = failures.find((failure) => failure.failureCode !== 'MissingLayerDigest');
    if (refused) {
      throw new RegistryError(
        {
          side: 'mirror',
          registry: this.name,
          operation: 'BatchCheckLayerAvailability',
          reference: refused.layerDigest,
        },
        {
          code: refused.failureCode ?? 'UNKNOWN',
          reason: refused.failureReason ?? 'the digest was refused',
          remedy: 'Amazon ECR takes sha256 digests only',
        },
      );
    }
    // An ARCHIVED layer can't be pulled; pushing it again restores it. So only AVAILABLE counts.
    const sizes = new Map(
      layers
        .filter(({ layerAvailability }) => layerAvailability === 'AVAILABLE')
        .map(({ layerDigest, layerSize }) => [layerDigest, layerSize]),
    );
    const held = batch.filter(({ digest }) => sizes.has(digest));
    for (const blob of held) expectHeldSize(this.name, blob, sizes.get(blob.digest));
    return held.map(({ digest }) => digest);
  }

  async #create(options?: CallOptions): Promise<void> {
    const { scanOnPush, encryption, immutableTags } = this.#access.settings;
    try {
      await called(
        'CreateRepository',
        this.name,
        () =>
          this.#access.ecr.send(
            new CreateRepositoryCommand({
              repositoryName: this.#repository,
              imageScanningConfiguration: { scanOnPush },
              imageTagMutability: mutability(immutableTags),
              ...(typeof immutableTags === 'object'
                ? {
                    imageTagMutabilityExclusionFilters: immutableTags.except.map((filter) => ({
                      filterType: 'WILDCARD' as const,
                      filter,
                    })),
                  }
                : {}),
              encryptionConfiguration: {
                encryptionType: encryption.type,
                ...(encryption.type === 'KMS' ? { kmsKey: encryption.kmsKey } : {}),
              },
            }),
            { abortSignal: options?.signal },
          ),
        options,
      );
    } catch (error) {
      // Another worker was quicker: that is what we wanted.
      if (!(error instanceof RegistryError && error.cause instanceof RepositoryAlreadyExistsException))
        throw error;
    }
  }
}

function mutability(immutable: MirrorConfig['repository']['immutableTags']) {
  if (immutable === false) return 'MUTABLE';
  return immutable === true ? 'IMMUTABLE' : 'IMMUTABLE_WITH_EXCLUSION';
}
