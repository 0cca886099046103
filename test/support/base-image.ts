import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { digestOf } from '../../core/oci/digest.ts';
import { programImage } from './program-image.ts';
import { pushBlob, pushManifest } from './push-image.ts';
import type { SeededImage } from './seeded-image.ts';

/** The Node of the devDependency, which can run what the repository bundles. */
const nodeBinary = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin/node');

/** Nothing but Node, where distroless has it, and the libraries that it loads. */
export function nodeImage(): Promise<SeededImage> {
  return programImage({ programs: { '/nodejs/bin/node': nodeBinary } });
}

const families = {
  docker: {
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
  oci: {
    index: 'application/vnd.oci.image.index.v1+json',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
};

/** What {@link pushBase} makes of an image's layers. */
export interface BaseOptions {
  /** As `linux/amd64`; the base has an index if there are several. */
  platforms: string[];
  family: keyof typeof families;
  /** What differs from the usual configuration of a base. */
  config?: object;
}

/**
 * Pushes an image that others are built on: with several platforms, as an index whose last child is
 * an attestation, as BuildKit makes it. The layers are the same for each platform.
 */
export async function pushBase(
  endpoint: string,
  repository: string,
  tag: string,
  image: SeededImage,
  { platforms, family, config }: BaseOptions,
): Promise<void> {
  const types = families[family];
  for (const [digest, bytes] of image.blobs) await pushBlob(endpoint, repository, digest, bytes);
  const { rootfs } = JSON.parse(Buffer.from(image.blobs.get(image.config.digest) ?? []).toString('utf8'));
  const push = async (content: object, mediaType: string, reference?: string) => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...content }));
    const digest = digestOf(bytes);
    await pushManifest(endpoint, repository, reference ?? digest, { bytes, mediaType, digest });
    return { mediaType, digest, size: bytes.byteLength };
  };
  const isAlone = platforms.length === 1;
  const children = [];
  for (const text of platforms) {
    const [os = '', architecture = '', variant] = text.split('/');
    const platform = { os, architecture, ...(variant && { variant }) };
    const bytes = Buffer.from(JSON.stringify({ ...platform, ...usual, rootfs, ...config }));
    const digest = digestOf(bytes);
    await pushBlob(endpoint, repository, digest, bytes);
    const manifest = {
      config: { mediaType: types.config, digest, size: bytes.byteLength },
      layers: image.layers.map((layer) => ({ ...layer, mediaType: types.layer })),
    };
    children.push({ ...(await push(manifest, types.manifest, isAlone ? tag : undefined)), platform });
  }
  if (isAlone) return;
  const [first] = children;
  const attestation = {
    ...first,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.digest': first?.digest },
  };
  await push({ manifests: [...children, attestation] }, types.index, tag);
}

/** As distroless has it, and some of what only Docker writes. */
const usual = {
  created: '2026-01-02T03:04:05Z',
  docker_version: '28.0.0',
  config: {
    Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'],
    User: '0',
    Entrypoint: ['/nodejs/bin/node'],
    Cmd: ['--help'],
    Labels: { base: 'kept' },
  },
  history: [{ created: '2026-01-02T03:04:05Z', created_by: 'a test' }],
};
