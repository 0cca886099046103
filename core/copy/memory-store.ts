import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestOf, isDigest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { BlobUpload, ImageDestination, ImageSource, OpenedUpload } from './ports.ts';

/**
 * One repository held in memory: both ports of the copy, for dry runs and tests. It is as strict as a registry: a blob
 * must match its descriptor, and a manifest needs its blobs and children.
 */
export class MemoryStore implements ImageSource, ImageDestination {
  readonly name: string;
  readonly blobs = new Map<Digest, Uint8Array>();
  readonly manifests = new Map<Digest, Manifest>();
  readonly tags = new Map<string, Digest>();

  constructor(name: string) {
    this.name = name;
  }

  async manifest(reference: string): Promise<Manifest> {
    const digest = isDigest(reference) ? reference : this.tags.get(reference);
    const manifest = digest && this.manifests.get(digest);
    if (!manifest) throw new Error(`${this.name} has no manifest ${reference}`);
    return manifest;
  }

  async blob(descriptor: Descriptor): Promise<AsyncIterable<Uint8Array>> {
    const bytes = await this.readBlob(descriptor);
    return (async function* () {
      yield bytes;
    })();
  }

  async readBlob(blob: Descriptor): Promise<Uint8Array> {
    const bytes = this.blobs.get(blob.digest);
    if (!bytes) throw new Error(`${this.name} has no blob ${blob.digest}`);
    return bytes;
  }

  async presentBlobs(blobs: Descriptor[]): Promise<Set<Digest>> {
    return new Set(blobs.map((blob) => blob.digest).filter((digest) => this.blobs.has(digest)));
  }

  async openUpload(blob: Descriptor): Promise<OpenedUpload> {
    const upload: BlobUpload = {
      write: async (body) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of body) chunks.push(chunk);
        const bytes = Buffer.concat(chunks);
        if (digestOf(bytes, blob.digest.startsWith('sha512') ? 'sha512' : 'sha256') !== blob.digest) {
          throw new Error(`${this.name} got other bytes than ${blob.digest}`);
        }
        this.blobs.set(blob.digest, bytes);
      },
      cancel: async () => {},
    };
    return { kind: 'session', upload };
  }

  async putManifest(manifest: Manifest, reference: string): Promise<void> {
    const needed =
      manifest.kind === 'image'
        ? [manifest.config, ...manifest.layers].filter((blob) => !blob.urls && !this.blobs.has(blob.digest))
        : manifest.manifests.filter(
            (child) => !this.manifests.has(child.digest) && !this.blobs.has(child.digest),
          );
    if (needed[0])
      throw new Error(`${this.name} lacks ${needed[0].digest}, which ${manifest.digest} refers to`);
    this.manifests.set(manifest.digest, manifest);
    if (!isDigest(reference)) this.tags.set(reference, manifest.digest);
  }

  async tagDigest(tag: string): Promise<Digest | undefined> {
    return this.tags.get(tag);
  }
}
