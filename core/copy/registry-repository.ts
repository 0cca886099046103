import pLimit from 'p-limit';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { RegistryClient } from '../registry/client.ts';
import { CopyError } from './errors.ts';
import { matchesDescriptor } from './plan.ts';
import type { BlobUpload, CallOptions, ImageDestination, ImageSource, OpenedUpload } from './ports.ts';

/** HEAD requests at once where a registry has no batch check. */
const headConcurrency = 16;
/** Blobs above this are not read into memory. */
const maxReadBytes = 4 * 1024 * 1024;

/** A repository of any distribution registry, as source and as destination. */
export class RegistryRepository implements ImageSource, ImageDestination {
  readonly name: string;
  readonly repository: string;
  protected readonly client: RegistryClient;

  /** @param registry the registry as references name it, for messages. */
  constructor(client: RegistryClient, registry: string, repository: string) {
    this.client = client;
    this.repository = repository;
    this.name = `${registry}/${repository}`;
  }

  manifest(reference: string, options?: CallOptions): Promise<Manifest> {
    return this.client.getManifest(this.repository, reference, options);
  }

  blob(descriptor: Descriptor, options?: CallOptions): Promise<AsyncIterable<Uint8Array>> {
    return this.client.getBlob(this.repository, descriptor, options);
  }

  async presentBlobs(blobs: Descriptor[], options?: CallOptions): Promise<Set<Digest>> {
    const limit = pLimit(headConcurrency);
    const present = new Set<Digest>();
    await Promise.all(
      blobs.map((blob) =>
        limit(async () => {
          if (await this.client.headBlob(this.repository, blob.digest, options)) present.add(blob.digest);
        }),
      ),
    );
    return present;
  }

  async openUpload(blob: Descriptor, options?: CallOptions & { mountFrom?: string }): Promise<OpenedUpload> {
    const opened = await this.client.startUpload(this.repository, {
      signal: options?.signal,
      mount: options?.mountFrom ? { digest: blob.digest, from: options.mountFrom } : undefined,
    });
    if (opened.kind === 'mounted') return opened;
    const { session } = opened;
    const upload: BlobUpload = {
      write: (body, call) => this.client.putBlob(session, blob, body, call),
      cancel: () => this.client.cancelUpload(session),
    };
    return { kind: 'session', upload };
  }

  putManifest(manifest: Manifest, reference: string, options?: CallOptions): Promise<void> {
    return this.client.putManifest(this.repository, reference, manifest, options);
  }

  async tagDigest(tag: string, options?: CallOptions): Promise<Digest | undefined> {
    const head = await this.client.headManifest(this.repository, tag, options);
    if (!head) return undefined;
    // A registry that answers HEAD without Docker-Content-Digest leaves no choice but to read and hash.
    return head.digest ?? (await this.manifest(tag, options)).digest;
  }

  async readBlob(blob: Descriptor, options?: CallOptions): Promise<Uint8Array> {
    if (blob.size > maxReadBytes) {
      throw new CopyError(
        'SIZE_INVALID',
        this.name,
        `${blob.digest} has ${blob.size} bytes, too many to read at once`,
      );
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of await this.blob(blob, options)) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (!matchesDescriptor(bytes, blob)) {
      throw new CopyError('DIGEST_INVALID', this.name, `the bytes of ${blob.digest} do not have this digest`);
    }
    return bytes;
  }
}
