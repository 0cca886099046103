import { type Digest, digestOf } from '../../../core/oci/digest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';

/** JSON as it goes over the wire. */
export function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}

/** A digest of a name, for content that the tests never look at. */
export function digestOfName(name: string): Digest {
  return digestOf(encode(name));
}

/** A descriptor of made-up content, with whatever a test adds or breaks. */
export function descriptor(mediaType: string, name: string, more: Record<string, unknown> = {}) {
  return { mediaType, digest: digestOfName(name), size: name.length, ...more };
}

/** The body of an OCI image with two layers. */
export function ociImage(more: Record<string, unknown> = {}) {
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: descriptor(mediaTypes.ociConfig, 'config'),
    layers: [
      descriptor(mediaTypes.ociLayerGzip, 'base layer'),
      descriptor(mediaTypes.ociLayerZstd, 'application layer'),
    ],
    ...more,
  };
}

/** The body of a Docker schema 2 image. */
export function dockerImage(more: Record<string, unknown> = {}) {
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: descriptor(mediaTypes.dockerConfig, 'config'),
    layers: [descriptor(mediaTypes.dockerLayerGzip, 'base layer')],
    ...more,
  };
}

/**
 * A child of an index for `os/architecture[/variant]`, and the attestation that BuildKit puts
 * beside it.
 */
export function child(platform: string, more: Record<string, unknown> = {}) {
  const [os, architecture, variant] = platform.split('/');
  return descriptor(mediaTypes.ociManifest, platform, {
    platform: { architecture, os, ...(variant && { variant }) },
    ...more,
  });
}

/** A BuildKit attestation about the child of that platform. */
export function attestation(about: string) {
  return descriptor(mediaTypes.ociManifest, `attestation of ${about}`, {
    annotations: {
      'vnd.docker.reference.digest': digestOfName(about),
      'vnd.docker.reference.type': 'attestation-manifest',
    },
    platform: { architecture: 'unknown', os: 'unknown' },
  });
}

/** The body of an OCI index. */
export function ociIndex(manifests: unknown = [child('linux/amd64'), child('linux/arm64/v8')], more = {}) {
  return { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests, ...more };
}
