/**
 * The media types of images.
 * OCI: https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md
 * Docker: https://github.com/distribution/distribution/blob/v2.8.3/docs/spec/manifest-v2-2.md
 */
export const mediaTypes = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  /** The two-byte blob `{}`, which artifacts without a configuration use as their config. */
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  /**
   * Was in the release candidates of image-spec 1.1 and removed before 1.1.0; registries refuse it.
   */
  ociArtifactManifest: 'application/vnd.oci.artifact.manifest.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerForeignLayerGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  dockerSchema1: 'application/vnd.docker.distribution.manifest.v1+json',
  dockerSchema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const;

/** Manifests that name other manifests: OCI image index, Docker manifest list. */
const indexTypes: readonly string[] = [mediaTypes.ociIndex, mediaTypes.dockerManifestList];

/** Manifests of one image or artifact: they name a config and layers. */
const imageManifestTypes: readonly string[] = [mediaTypes.ociManifest, mediaTypes.dockerManifest];

/** Whether the type is an OCI index or a Docker manifest list. */
export function isIndexType(mediaType: string): boolean {
  return indexTypes.includes(mediaType);
}

/** Whether the type is the manifest of one image or artifact (not an index). */
export function isImageManifestType(mediaType: string): boolean {
  return imageManifestTypes.includes(mediaType);
}

/**
 * Configs and layers: an index entry with such a type is a blob, as in the index of a build cache.
 */
export function isBlobType(mediaType: string): boolean {
  return /^application\/vnd\.(?:oci\.image\.(?:layer|config)\.|oci\.empty\.|docker\.image\.rootfs\.|docker\.container\.image\.)/.test(
    mediaType,
  );
}

/** Whether `parseManifest` accepts the type: an index or the manifest of one image. */
export function isManifestType(mediaType: string): boolean {
  return isIndexType(mediaType) || isImageManifestType(mediaType);
}

/**
 * Whether the type is a Docker image manifest of schema 1, signed or not, which nothing here
 * copies.
 */
export function isSchema1Type(mediaType: string): boolean {
  return mediaType === mediaTypes.dockerSchema1 || mediaType === mediaTypes.dockerSchema1Signed;
}

/**
 * Whether a layer may be missing from the registry, since its descriptor's `urls` say where it is:
 * Windows base layers.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#non-distributable-layers
 */
export function isForeignLayerType(mediaType: string): boolean {
  return (
    mediaType === mediaTypes.dockerForeignLayerGzip ||
    mediaType.startsWith('application/vnd.oci.image.layer.nondistributable.v1.tar')
  );
}

/**
 * The `Accept` header for manifests. All types are named: a registry may convert a manifest of an
 * unnamed type to a different type, with a different digest, or answer 404.
 */
export const manifestAcceptHeader: string = [...indexTypes, ...imageManifestTypes].join(', ');
