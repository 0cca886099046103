import { fileURLToPath } from 'node:url';
import { digestOf } from '../../core/oci/digest.ts';
import { type ImageManifest, parseManifest } from '../../core/oci/manifest.ts';
import { mediaTypes } from '../../core/oci/media-types.ts';
import { buildLayer, type ImageBlob, type Layer } from './layer.ts';
import { fileOf, filesOf, textFile } from './layer-files.ts';
import { installedPackages } from './packages.ts';

/** An image as it was built, all of it in memory. */
export interface BuiltImage {
  tag: string;
  manifest: ImageManifest;
  config: ImageBlob;
  /** Base first. */
  layers: Layer[];
}

/**
 * What Drayage's own functions import: with Node below it and our source above it, the image can
 * run.
 */
const packages = [
  '@aws-lambda-powertools/logger',
  '@aws-lambda-powertools/metrics',
  '@aws-sdk/client-dynamodb',
  '@aws-sdk/client-ecr',
  '@aws-sdk/client-secrets-manager',
  '@aws-sdk/client-sqs',
  '@aws-sdk/lib-dynamodb',
  '@middy/core',
  'p-limit',
  'semver',
  'undici',
  'yaml',
  'zod',
];
/** Our own directories that make up the application. */
const sources = ['core', 'lambda'];
/** The name of the image without its tag. */
export const image = { registry: 'ghcr.io', namespace: 'acme', name: 'worker' };
/** The file that differs between the versions. */
export const changedFile = 'app/package.json';

/** The whole name of a version. */
export function referenceOf(tag: string): string {
  return `${image.registry}/${image.namespace}/${image.name}:${tag}`;
}

/** The layers that stay the same: the Node that runs the demo, and the packages next to it. */
export async function buildBase(signal?: AbortSignal): Promise<Layer[]> {
  const installed = installedPackages(packages, fileURLToPath(import.meta.url));
  const dependencies = [...installed].flatMap(([name, folder]) =>
    filesOf(folder, `app/node_modules/${name}`),
  );
  return await Promise.all([
    buildLayer(
      'runtime',
      `Node ${process.versions.node}`,
      [fileOf(process.execPath, 'usr/local/bin/node')],
      signal,
    ),
    buildLayer('dependencies', `${installed.size} packages`, dependencies, signal),
  ]);
}

/** The image of one version: the base, and the application on top. */
export async function buildImage(base: Layer[], tag: string, signal?: AbortSignal): Promise<BuiltImage> {
  const manifest = { name: image.name, version: `${tag}.0`, type: 'module', private: true };
  const application = await buildLayer(
    'application',
    [...sources, 'package.json'].join(', '),
    [
      ...sources.flatMap((name) =>
        filesOf(fileURLToPath(new URL(`../../${name}`, import.meta.url)), `app/${name}`),
      ),
      textFile(changedFile, `${JSON.stringify(manifest, undefined, 2)}\n`),
    ],
    signal,
  );
  const layers = [...base, application];
  const config = jsonBlob('config', mediaTypes.ociConfig, imageConfig(layers, tag));
  const { bytes, descriptor } = jsonBlob('manifest', mediaTypes.ociManifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: config.descriptor,
    layers: layers.map((layer) => layer.descriptor),
  });
  const parsed = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
  if (parsed.kind !== 'image') throw new TypeError('the manifest of an image was read as an index');
  return { tag, manifest: parsed, config, layers };
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md */
function imageConfig(layers: Layer[], tag: string): object {
  const created = '1985-10-26T08:15:00Z';
  return {
    created,
    os: process.platform === 'win32' ? 'windows' : process.platform,
    architecture: architectures[process.arch] ?? process.arch,
    config: {
      Env: ['PATH=/usr/local/bin:/usr/bin:/bin'],
      WorkingDir: '/app',
      Entrypoint: ['node'],
      Labels: { 'org.opencontainers.image.version': tag },
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ name, contents }) => ({
      created,
      created_by: 'drayage demo',
      comment: `${name}: ${contents}`,
    })),
  };
}

/** From Node's names to Go's, which images use. */
const architectures: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
};

function jsonBlob(name: string, mediaType: string, content: object): ImageBlob {
  const bytes = Buffer.from(JSON.stringify(content));
  return { name, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength }, bytes };
}
