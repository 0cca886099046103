import type { Descriptor } from '../../core/oci/descriptor.ts';
import { type Digest, digestOf } from '../../core/oci/digest.ts';
import { formatPlatform, type Platform } from '../../core/oci/platform.ts';
import { seededLayer } from './seeded-layer.ts';

export { type PushOptions, pushBlob, pushImage, pushManifest } from './push-image.ts';

/** The family of media types that an image is written in. */
export type MediaTypeFamily = 'oci' | 'docker';

const families = {
  oci: {
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    index: 'application/vnd.oci.image.index.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    gzipLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
    plainLayer: 'application/vnd.oci.image.layer.v1.tar',
  },
  docker: {
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    gzipLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    plainLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  },
} as const;

/** Manifest bytes as they go over the wire. */
export interface SeededManifest {
  bytes: Uint8Array;
  mediaType: string;
  digest: Digest;
}

/** An image made from a seed: the same seed and options always give the same digests. */
export interface SeededImage {
  kind: 'image';
  manifest: SeededManifest;
  platform: Platform;
  config: Descriptor;
  layers: Descriptor[];
  /** The config and every layer. */
  blobs: Map<Digest, Uint8Array>;
}

/** A multi-platform image: an index and its children. */
export interface SeededIndex {
  kind: 'index';
  manifest: SeededManifest;
  children: SeededImage[];
  /** The children's blobs, each once. */
  blobs: Map<Digest, Uint8Array>;
}

/** What {@link seededImage} makes. */
export interface SeededImageOptions {
  seed: string;
  /**
   * `size` in bytes, exact. The same `seed` in two images makes the same layer (by default, a layer
   * belongs to its image alone).
   */
  layers: { size: number; seed?: string }[];
  /** Default linux/amd64. */
  platform?: Platform;
  /** Default oci. */
  mediaTypes?: MediaTypeFamily;
  /** Makes the image a referrer of another manifest (OCI only). */
  subject?: SeededManifest;
  artifactType?: string;
  annotations?: Record<string, string>;
  /** Labels in the config. */
  labels?: Record<string, string>;
  /** A comment in the config, as long as a test needs it. */
  comment?: string;
}

/** What {@link seededIndex} makes. */
export interface SeededIndexOptions extends Omit<SeededImageOptions, 'platform'> {
  /** Default linux/amd64 and linux/arm64. */
  platforms?: Platform[];
}

function manifestOf(content: Record<string, unknown>, mediaType: string): SeededManifest {
  // Indented on purpose: code that serialises manifests again instead of keeping their bytes
  // changes the digest.
  const bytes = Buffer.from(JSON.stringify(content, null, 3));
  return { bytes, mediaType, digest: digestOf(bytes) };
}

/** A single-platform image. */
export function seededImage(options: SeededImageOptions): SeededImage {
  const types = families[options.mediaTypes ?? 'oci'];
  const platform = options.platform ?? { os: 'linux', architecture: 'amd64' };
  const blobs = new Map<Digest, Uint8Array>();
  const diffIds: Digest[] = [];
  const layers = options.layers.map(({ size, seed }, position): Descriptor => {
    const layer = seededLayer(seed ?? `${options.seed}/${formatPlatform(platform)}/${position}`, size);
    const digest = digestOf(layer.bytes);
    blobs.set(digest, layer.bytes);
    diffIds.push(digestOf(layer.tar));
    return { mediaType: layer.gzip ? types.gzipLayer : types.plainLayer, digest, size: layer.bytes.length };
  });
  const configBytes = Buffer.from(
    JSON.stringify({
      ...platform,
      created: '2026-01-02T03:04:05Z',
      config: {
        Env: [`SEED=${options.seed}`],
        ...(options.labels === undefined ? {} : { Labels: options.labels }),
      },
      ...(options.comment === undefined ? {} : { history: [{ comment: options.comment }] }),
      rootfs: { type: 'layers', diff_ids: diffIds },
    }),
  );
  const config = { mediaType: types.config, digest: digestOf(configBytes), size: configBytes.length };
  blobs.set(config.digest, configBytes);
  const subject = options.subject && {
    mediaType: options.subject.mediaType,
    digest: options.subject.digest,
    size: options.subject.bytes.length,
  };
  const manifest = manifestOf(
    {
      schemaVersion: 2,
      mediaType: types.manifest,
      ...(options.artifactType === undefined ? {} : { artifactType: options.artifactType }),
      config,
      layers,
      ...(subject === undefined ? {} : { subject }),
      ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    },
    types.manifest,
  );
  return { kind: 'image', manifest, platform, config, layers, blobs };
}

/**
 * An index with one child per platform, each with the given layers (those with their own seed are
 * shared by all).
 */
export function seededIndex(options: SeededIndexOptions): SeededIndex {
  const types = families[options.mediaTypes ?? 'oci'];
  const platforms = options.platforms ?? [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64', variant: 'v8' },
  ];
  const { platforms: _, subject: __, artifactType: ___, annotations, ...rest } = options;
  const children = platforms.map((platform) => seededImage({ ...rest, platform }));
  const manifest = manifestOf(
    {
      schemaVersion: 2,
      mediaType: types.index,
      manifests: children.map((child) => ({
        mediaType: child.manifest.mediaType,
        digest: child.manifest.digest,
        size: child.manifest.bytes.length,
        platform: child.platform,
      })),
      ...(annotations === undefined ? {} : { annotations }),
    },
    types.index,
  );
  return { kind: 'index', manifest, children, blobs: new Map(children.flatMap((child) => [...child.blobs])) };
}
