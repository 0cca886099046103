import { expectHeldSize, matchesDescriptor } from '../../core/copy/blob/verify.ts';
import type {
  BlobUpload,
  CallOptions,
  ImageDestination,
  ImageSource,
  OpenedUpload,
} from '../../core/copy/ports.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { type Digest, isDigest } from '../../core/oci/digest.ts';
import { blobsOf, type Manifest } from '../../core/oci/manifest.ts';
import { RegistryError } from '../../core/registry/errors.ts';

/**
 * One repository held in memory: both ports of the copy, for dry runs and tests. It is as strict as
 * a registry: a blob must match its descriptor, and a manifest needs its blobs and children.
 */
export class MemoryStore implements ImageSource, ImageDestination {
  readonly name: string;
  readonly blobs = new Map<Digest, Uint8Array>();
  readonly manifests = new Map<Digest, Manifest>();
  readonly tags = new Map<string, Digest>();

  constructor(name: string) {
    this.name = name;
  }

  async manifest(reference: string, options?: CallOptions): Promise<Manifest> {
    options?.signal?.throwIfAborted();
    const digest = isDigest(reference) ? reference : this.tags.get(reference);
    const manifest = digest && this.manifests.get(digest);
    if (!manifest) {
      throw new RegistryError(
        { side: 'upstream', registry: this.name, operation: 'get manifest', reference },
        { code: 'MANIFEST_UNKNOWN', status: 404, reason: 'it has no such manifest' },
      );
    }
    return manifest;
  }

  async blob(
    descriptor: Descriptor,
    options?: CallOptions & { offset?: number },
  ): Promise<AsyncIterable<Uint8Array>> {
    options?.signal?.throwIfAborted();
    const bytes = this.#bytes(descriptor).subarray(options?.offset ?? 0);
    return (async function* () {
      yield bytes;
    })();
  }

  async readBlob(blob: Descriptor, options?: CallOptions): Promise<Uint8Array> {
    options?.signal?.throwIfAborted();
    const bytes = this.#bytes(blob);
    if (!matchesDescriptor(bytes, blob)) throw new Error(`${this.name} has other bytes than ${blob.digest}`);
    return bytes;
  }

  async presentBlobs(blobs: Descriptor[], options?: CallOptions): Promise<Set<Digest>> {
    options?.signal?.throwIfAborted();
    const held = blobs.filter(({ digest }) => this.blobs.has(digest));
    for (const blob of held) expectHeldSize(this.name, blob, this.blobs.get(blob.digest)?.byteLength);
    return new Set(held.map(({ digest }) => digest));
  }

  async openUpload(blob: Descriptor, options?: CallOptions): Promise<OpenedUpload> {
    options?.signal?.throwIfAborted();
    const upload: BlobUpload = {
      write: async (body, call) => {
        const bytes = await collect(body, call?.signal);
        if (!matchesDescriptor(bytes, blob))
          throw new Error(`${this.name} got other bytes than ${blob.digest}`);
        this.blobs.set(blob.digest, bytes);
      },
      cancel: async () => {},
    };
    return { kind: 'session', upload };
  }

  async hasManifest({ digest, mediaType }: Manifest, options?: CallOptions): Promise<boolean> {
    options?.signal?.throwIfAborted();
    return this.manifests.get(digest)?.mediaType === mediaType;
  }

  async putManifest(manifest: Manifest, reference: string, options?: CallOptions): Promise<void> {
    options?.signal?.throwIfAborted();
    const needed =
      manifest.kind !== 'index'
        ? blobsOf(manifest).filter((blob) => !blob.urls && !this.blobs.has(blob.digest))
        : manifest.manifests.filter(
            (child) => !this.manifests.has(child.digest) && !this.blobs.has(child.digest),
          );
    if (needed[0])
      throw new Error(`${this.name} lacks ${needed[0].digest}, which ${manifest.digest} refers to`);
    this.manifests.set(manifest.digest, manifest);
    if (!isDigest(reference)) this.tags.set(reference, manifest.digest);
  }

  async tagDigest(tag: string, options?: CallOptions): Promise<Digest | undefined> {
    options?.signal?.throwIfAborted();
    return isDigest(tag) ? this.manifests.get(tag)?.digest : this.tags.get(tag);
  }

  async referrers(digest: Digest, options?: CallOptions): Promise<Descriptor[]> {
    options?.signal?.throwIfAborted();
    return [...this.manifests.values()]
      .filter(({ subject }) => subject?.digest === digest)
      .map((manifest) => ({
        mediaType: manifest.mediaType,
        digest: manifest.digest,
        size: manifest.bytes.byteLength,
        ...(manifest.artifactType === undefined ? {} : { artifactType: manifest.artifactType }),
      }));
  }

  async hasBlob({ digest, size }: Descriptor, options?: CallOptions): Promise<boolean> {
    options?.signal?.throwIfAborted();
    return this.blobs.get(digest)?.byteLength === size;
  }

  #bytes(blob: Descriptor): Uint8Array {
    const bytes = this.blobs.get(blob.digest);
    if (!bytes) throw new Error(`${this.name} has no blob ${blob.digest}`);
    return bytes;
  }
}

/** All bytes of a body; ends at once when the signal does, even if the body is stuck. */
async function collect(body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Uint8Array> {
  signal?.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const iterator = body[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted.promise]);
      if (next.done) return Buffer.concat(chunks);
      chunks.push(next.value);
    }
  } catch (error) {
    // This is not awaited: a generator that is stuck in its source ends when the source does.
    iterator.return?.().catch(() => {});
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
