import { type Digest, digestOf } from '../core/oci/digest.ts';
import { type KnownManifest, parseManifest } from '../core/oci/manifest.ts';
import { mediaTypes } from '../core/oci/media-types.ts';
import { type Application, places } from './application.ts';
import type { Base, BaseImage, ImageConfig } from './base.ts';

/** The user and group of distroless' `nonroot`. They need no entry in /etc/passwd. */
const user = '65532:65532';
/** Where `drayage admission` listens in the chart. */
const port = '8443/tcp';

/** What an image is made with besides its base and the application. */
export interface ComposeOptions {
  /** When it was made, for its configuration. */
  created: Date;
  /** Where Node is in the base; by default as the base's entrypoint says, or `node` on its PATH. */
  node?: string | undefined;
}

/** An image, in memory except for the layers of its base. */
export interface ComposedImage {
  /** An index if the base has one. */
  root: KnownManifest;
  /** All manifests, the root too. */
  manifests: Map<Digest, KnownManifest>;
  /** The configurations and the application's layer. */
  blobs: Map<Digest, Uint8Array>;
}

/** Puts the application on every image of the base. The same input gives the same digests. */
export function compose(base: Base, application: Application, options: ComposeOptions): ComposedImage {
  const { layer } = application;
  const image: Omit<ComposedImage, 'root'> = {
    manifests: new Map(),
    blobs: new Map([[layer.descriptor.digest, layer.bytes]]),
  };
  const children = base.images.map((each) => ({
    manifest: composeOne(image, base, each, application, options),
    platform: each.platform,
  }));
  const [first] = children;
  if (!base.isIndex && first) return { ...image, root: first.manifest };
  const root = addManifest(image, mediaTypes.ociIndex, {
    manifests: children.map(({ manifest: { mediaType, digest, bytes }, platform }) => ({
      mediaType,
      digest,
      size: bytes.byteLength,
      platform,
    })),
    annotations: annotations(application, base.name, base.digest),
  });
  return { ...image, root };
}

function composeOne(
  image: Omit<ComposedImage, 'root'>,
  base: Base,
  { manifest, config }: BaseImage,
  application: Application,
  options: ComposeOptions,
): KnownManifest {
  const bytes = Buffer.from(JSON.stringify(composeConfig(config, application, options)));
  const digest = digestOf(bytes);
  image.blobs.set(digest, bytes);
  return addManifest(image, mediaTypes.ociManifest, {
    config: { mediaType: mediaTypes.ociConfig, digest, size: bytes.byteLength },
    layers: [
      ...manifest.layers.map((layer) => ({
        ...layer,
        mediaType: ociTypes[layer.mediaType] ?? layer.mediaType,
      })),
      application.layer.descriptor,
    ],
    annotations: annotations(application, base.name, manifest.digest),
  });
}

/**
 * What runs of the base's configuration, and ours. Everything that depends on when and where the
 * image is built stays out.
 */
function composeConfig(base: ImageConfig, { layer, labels }: Application, options: ComposeOptions): object {
  const { config, history, rootfs, ...platform } = base;
  const created = options.created.toISOString();
  const { Cmd: _, ...kept } = config ?? {};
  const [entrypoint = ''] = kept.Entrypoint ?? [];
  const node = options.node ?? (entrypoint.endsWith('/node') ? entrypoint : 'node');
  return {
    created,
    ...platform,
    config: {
      ...kept,
      User: user,
      ExposedPorts: { ...kept.ExposedPorts, [port]: {} },
      Env: [...(kept.Env ?? []).filter((text) => !text.startsWith('NODE_ENV=')), 'NODE_ENV=production'],
      Entrypoint: [node, places.main],
      WorkingDir: places.directory,
      Labels: { ...kept.Labels, ...labels },
    },
    rootfs: { type: 'layers', diff_ids: [...rootfs.diff_ids, layer.diffId] },
    history: [...(history ?? []), { created, created_by: 'npm run image', comment: layer.contents }],
  };
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md */
function annotations({ labels }: Application, name: string, digest: Digest): Record<string, string> {
  return {
    ...labels,
    'org.opencontainers.image.base.name': name,
    'org.opencontainers.image.base.digest': digest,
  };
}

/** An OCI manifest names Docker's layers by OCI's types: the bytes are the same. */
const ociTypes: Partial<Record<string, string>> = {
  'application/vnd.docker.image.rootfs.diff.tar': mediaTypes.ociLayer,
  [mediaTypes.dockerLayerGzip]: mediaTypes.ociLayerGzip,
  'application/vnd.docker.image.rootfs.diff.tar.zstd': mediaTypes.ociLayerZstd,
};

function addManifest(
  { manifests }: Omit<ComposedImage, 'root'>,
  mediaType: string,
  fields: object,
): KnownManifest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...fields }));
  const manifest = parseManifest(bytes, mediaType);
  manifests.set(manifest.digest, manifest);
  return manifest;
}
