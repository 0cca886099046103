import { inParallel } from '../async/in-parallel.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { RegistryClient } from '../registry/client.ts';
import { RegistryError } from '../registry/errors.ts';
import { isEcr, tellsPresence } from '../registry/known-registries.ts';
import type { UploadSession } from '../registry/operations/start-upload.ts';
import type { StreamLimit } from '../registry/stream-limit.ts';
import { UploadMovedError } from '../registry/transport/redirect-errors.ts';
import { type BlobToUpload, uploadBlob } from './blob/chunked-upload.ts';
import { readSmallBlob } from './blob/read-small.ts';
import { expectHeldSize } from './blob/verify.ts';
import type {
  BlobUpload,
  CallOptions,
  ImageDestination,
  ImageSource,
  ManifestOptions,
  OpenedUpload,
} from './ports.ts';

/** HEAD requests at once if a registry has no batch check. */
const headConcurrency = 16;
/** Larger blobs are not read into memory. */
const maxReadBytes = 4 * 1024 * 1024;
/**
 * If a registry does not cancel a session within this time, it keeps the session until it expires
 * there.
 */
const cancelWithinMs = 1_000;

/** A repository of any distribution registry, as source and as destination. */
export class RegistryRepository implements ImageSource, ImageDestination {
  readonly name: string;
  readonly repository: string;
  protected readonly client: RegistryClient;
  /** Blobs that were missing when the registry was asked. */
  readonly #missing = new Set<Digest>();
  /** How often the connection broke while a blob was sent in a single request. */
  readonly #breaks = new Map<Digest, number>();
  /** Where the registry redirected uploads, for the next attempt. */
  readonly #moved = new Map<Digest, UploadSession>();

  /** @param registry the registry as references name it, for messages. */
  constructor(client: RegistryClient, registry: string, repository: string) {
    this.client = client;
    this.repository = repository;
    this.name = `${registry}/${repository}`;
  }

  /**
   * A mount from the repository itself checks for the blob and opens the upload in one request,
   * unless the registry refuses that.
   */
  get tellsPresence(): boolean {
    return tellsPresence(this.client.registry) && !this.client.refused.has('self-mount');
  }

  /**
   * Whether a blob may be sent in chunks. Amazon ECR answers them in its own way (CR#2831), and
   * accepts large bodies.
   */
  protected get takesChunks(): boolean {
    return !isEcr(this.client.registry);
  }

  get streams(): StreamLimit {
    return this.client.streams;
  }

  warm(connections: number, options?: CallOptions): Promise<void> {
    return this.client.warm(connections, options);
  }

  referrers(digest: Digest, options?: CallOptions): Promise<Descriptor[]> {
    return this.client.referrers(this.repository, digest, options);
  }

  manifest(reference: string, options?: ManifestOptions): Promise<Manifest> {
    return this.client.getManifest(this.repository, reference, options);
  }

  blob(
    descriptor: Descriptor,
    options?: CallOptions & { offset?: number },
  ): Promise<AsyncIterable<Uint8Array>> {
    return this.client.getBlob(this.repository, descriptor, options);
  }

  async presentBlobs(blobs: Descriptor[], options?: CallOptions): Promise<Set<Digest>> {
    const held = await inParallel(
      blobs,
      headConcurrency,
      async (blob, signal) => {
        const head = await this.client.headBlob(this.repository, blob.digest, { signal });
        if (head) expectHeldSize(this.name, blob, head.size);
        return head !== undefined;
      },
      options?.signal,
    );
    const present = new Set(blobs.filter((_, index) => held[index]).map((blob) => blob.digest));
    for (const { digest } of blobs) if (!present.has(digest)) this.#missing.add(digest);
    return present;
  }

  async openUpload(blob: Descriptor, options?: CallOptions & { mountFrom?: string }): Promise<OpenedUpload> {
    const { signal, mountFrom } = options ?? {};
    const moved = this.#moved.get(blob.digest);
    if (moved) {
      this.#moved.delete(blob.digest);
      return this.#opened(blob, moved);
    }
    const mountable = mountFrom !== undefined && !this.client.refused.has('mount', mountFrom);
    const refusals: (() => void)[] = [];
    // If the registry was expected to report the blob at a mount, and refuses that, it has not been
    // asked yet.
    let asks = this.client.refused.has('self-mount');
    for (const from of [mountable && mountFrom, this.tellsPresence && this.repository]) {
      if (from === false) continue;
      const mount = { digest: blob.digest, from };
      const opened = await this.client.startUpload(this.repository, { signal, mount });
      if (opened.kind === 'refused') {
        refusals.push(opened.remember);
        asks ||= from === this.repository;
        continue;
      }
      for (const remember of refusals) remember();
      if (opened.kind === 'session') return this.#opened(blob, opened.session);
      return { kind: from === this.repository ? 'present' : 'mounted' };
    }
    asks &&= !this.#missing.has(blob.digest);
    const present = asks && (await this.#isThere(blob, signal));
    const opened = present ? undefined : await this.client.startUpload(this.repository, { signal });
    for (const remember of refusals) remember();
    if (opened === undefined) return { kind: 'present' };
    if (opened.kind !== 'session') throw new Error(`an upload without a mount began as ${opened.kind}`);
    return this.#opened(blob, opened.session);
  }

  /** Whether a blob need not be sent. If the registry does not say so, it is sent. */
  async #isThere(blob: Descriptor, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return (await this.presentBlobs([blob], { signal })).has(blob.digest);
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
  }

  #opened(blob: Descriptor, session: UploadSession): OpenedUpload {
    const upload: BlobUpload = {
      write: (body, call) =>
        this.#write({ session, blob, body }, call).catch((error) => {
          if (error instanceof UploadMovedError)
            this.#moved.set(blob.digest, { ...session, location: error.location });
          if (
            error instanceof RegistryError &&
            error.side === this.client.side &&
            error.code === 'CONNECTION'
          )
            this.#breaks.set(blob.digest, (this.#breaks.get(blob.digest) ?? 0) + 1);
          throw error;
        }),
      // The caller was asked to end at once: a registry that hangs must not delay it.
      cancel: async () => {
        // The next attempt continues with this session.
        if (this.#moved.has(blob.digest)) return;
        await this.client
          .cancelUpload(session, { signal: AbortSignal.timeout(cancelWithinMs) })
          .catch(() => {});
      },
    };
    return { kind: 'session', upload };
  }

  #write(upload: Omit<BlobToUpload, 'client'>, options?: CallOptions): Promise<void> {
    const { client } = this;
    const { session, blob, body } = upload;
    if (!this.takesChunks) return client.putBlob(session, blob, body, options);
    const breaks = this.#breaks.get(blob.digest) ?? 0;
    return uploadBlob({ ...upload, client }, { ...options, breaks });
  }

  async hasManifest({ digest, mediaType }: Manifest, options?: CallOptions): Promise<boolean> {
    const head = await this.client.headManifest(this.repository, digest, options);
    return head?.mediaType === mediaType;
  }

  putManifest(manifest: Manifest, reference: string, options?: CallOptions): Promise<void> {
    return this.client.putManifest(this.repository, reference, manifest, options);
  }

  async tagDigest(tag: string, options?: CallOptions): Promise<Digest | undefined> {
    const head = await this.client.headManifest(this.repository, tag, options);
    if (!head) return undefined;
    // If a registry answers HEAD without Docker-Content-Digest, the only way is to read and hash.
    return head.digest ?? (await this.manifest(tag, options)).digest;
  }

  /**
   * Whether the repository serves a blob with this digest and size. If a registry does not answer
   * this with HEAD, the first bytes are requested.
   */
  async hasBlob(blob: Descriptor, options?: CallOptions): Promise<boolean> {
    const { digest, size } = blob;
    try {
      const head = await this.client.headBlob(this.repository, digest, options);
      if (head) return head.size === undefined || head.size === size;
      if (!this.client.refused.has('blob-head')) return false;
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    return await this.#serves(blob, options);
  }

  async #serves(blob: Descriptor, options?: CallOptions): Promise<boolean> {
    try {
      for await (const _ of await this.blob(blob, options)) break;
      return true;
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
  }

  async readBlob(blob: Descriptor, options?: CallOptions): Promise<Uint8Array> {
    if (blob.size > maxReadBytes) {
      throw this.#unreadable(blob, 'SIZE_INVALID', `its ${blob.size} bytes are too many to read at once`);
    }
    const bytes = await readSmallBlob(this, blob, options);
    if (bytes === undefined) {
      throw this.#unreadable(blob, 'DIGEST_INVALID', 'the received bytes do not have this digest');
    }
    return bytes;
  }

  #unreadable(blob: Descriptor, code: string, reason: string): RegistryError {
    const { side, registry } = this.client;
    return new RegistryError(
      { side, registry, operation: 'read blob', repository: this.repository, reference: blob.digest },
      { code, reason },
    );
  }
}

/** An answer that a retry will not change. */
function isRefusal(error: unknown): boolean {
  return error instanceof RegistryError && error.status !== undefined && !error.temporary;
}
