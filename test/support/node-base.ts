import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buildLayer, type Layer } from '../../cli/demo/layer.ts';
import { fileOf } from '../../cli/demo/layer-files.ts';
import { digestOf } from '../../core/oci/digest.ts';
import { pushBlob, pushManifest } from './push-image.ts';

/** The Node of the devDependency, which can run what the repository bundles. */
export const nodeBinary = join(
  dirname(createRequire(import.meta.url).resolve('node/package.json')),
  'bin/node',
);

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

/** A layer that is only Node, where distroless has it, and the libraries that it loads. */
export function nodeLayer(): Promise<Layer> {
  const listed = execFileSync('ldd', [nodeBinary], { encoding: 'utf8' });
  // `libm.so.6 => /lib/libm.so.6 (0x…)`, and the loader by its path alone.
  const libraries = [...listed.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path = '']) => path);
  const files = [
    fileOf(nodeBinary, 'nodejs/bin/node'),
    ...libraries.map((path) => fileOf(path, path.slice(1))),
  ];
  return buildLayer('node', 'Node and its libraries', files);
}

export interface BaseOptions {
  /** As `linux/amd64`; the base has an index if there are several. */
  platforms: string[];
  family?: keyof typeof families;
  /** In place of what a base's configuration says. */
  config?: object;
}

/**
 * Pushes an image that others are built on: with several platforms, as an index whose last child is
 * an attestation, as BuildKit makes it. The files are the same for each platform.
 */
export async function pushBase(
  endpoint: string,
  repository: string,
  tag: string,
  layer: Layer,
  { platforms, family = 'docker', config }: BaseOptions,
): Promise<void> {
  const types = families[family];
  await pushBlob(endpoint, repository, layer.descriptor.digest, layer.bytes);
  const push = async (content: object, mediaType: string, reference?: string) => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...content }));
    const digest = digestOf(bytes);
    await pushManifest(endpoint, repository, reference ?? digest, { bytes, mediaType, digest });
    return { mediaType, digest, size: bytes.byteLength };
  };
  const children = [];
  for (const text of platforms) {
    const [os = '', architecture = '', variant] = text.split('/');
    const platform = { os, architecture, ...(variant && { variant }) };
    const bytes = Buffer.from(JSON.stringify(config ?? configOf(platform, layer)));
    const digest = digestOf(bytes);
    await pushBlob(endpoint, repository, digest, bytes);
    const manifest = {
      config: { mediaType: types.config, digest, size: bytes.byteLength },
      layers: [{ ...layer.descriptor, mediaType: types.layer }],
    };
    const isAlone = platforms.length === 1;
    children.push({ ...(await push(manifest, types.manifest, isAlone ? tag : undefined)), platform });
    if (isAlone) return;
  }
  const [first] = children;
  const attestation = {
    ...first,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.digest': first?.digest },
  };
  await push({ manifests: [...children, attestation] }, types.index, tag);
}

/** As distroless has it, and some of what only Docker writes. */
function configOf(platform: object, layer: Layer): object {
  return {
    ...platform,
    created: '2026-01-02T03:04:05Z',
    docker_version: '28.0.0',
    config: {
      Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'],
      User: '0',
      Entrypoint: ['/nodejs/bin/node'],
      Cmd: ['--help'],
      Labels: { base: 'kept' },
    },
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [{ created: '2026-01-02T03:04:05Z', created_by: 'a test' }],
  };
}
