import type { Descriptor } from '../../../core/oci/descriptor.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import type { Manifest } from '../../../core/oci/manifest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { blobOf, childOf, manifestOf } from '../memory-image.ts';
import { MemoryStore } from '../memory-store.ts';

/** A layer of a manifest of signatures. */
export interface SignatureLayer {
  mediaType: string;
  content: Uint8Array | string;
  annotations?: Record<string, string>;
}

export const simpleSigningType = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const envelopeType = 'application/vnd.dsse.envelope.v1+json';
export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** A repository in memory with images and whatever is attached to them. */
export class SignedRepository extends MemoryStore {
  constructor() {
    super('up.example/app');
  }

  /** An image that differs from others by its text. */
  image(text: string): Manifest {
    return this.#hold(
      manifestOf({
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        config: this.#put(text),
        layers: [],
      }),
    );
  }

  /** An index of images. */
  index(...children: Manifest[]): Manifest {
    return this.#hold(
      manifestOf({
        schemaVersion: 2,
        mediaType: mediaTypes.ociIndex,
        manifests: children.map((child) => childOf(child)),
      }),
    );
  }

  /** Puts signatures under one of cosign's tags. */
  tag(digest: Digest, suffix: 'sig' | 'att', layers: SignatureLayer[]): Manifest {
    const manifest = this.#signatures(layers);
    this.tags.set(`${digest.replace(':', '-')}.${suffix}`, manifest.digest);
    return manifest;
  }

  /** Attaches signatures to an image as a referrer. */
  refer(
    digest: Digest,
    artifactType: string,
    layers: SignatureLayer[],
    annotations?: Record<string, string>,
  ): Manifest {
    const image = this.manifests.get(digest);
    if (image === undefined) throw new Error(`there is no ${digest} to refer to`);
    return this.#signatures(layers, {
      artifactType,
      subject: childOf(image),
      ...(annotations && { annotations }),
    });
  }

  #signatures(layers: SignatureLayer[], more: object = {}): Manifest {
    return this.#hold(
      manifestOf({
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        config: this.#put('{}'),
        layers: layers.map(({ mediaType, content, annotations = {} }) => ({
          ...this.#put(content, mediaType),
          annotations,
        })),
        ...more,
      }),
    );
  }

  #hold(manifest: Manifest): Manifest {
    this.manifests.set(manifest.digest, manifest);
    return manifest;
  }

  #put(content: Uint8Array | string, mediaType = 'application/json'): Descriptor {
    const blob = blobOf(content, mediaType);
    this.blobs.set(blob.digest, Buffer.from(content));
    return blob;
  }
}
