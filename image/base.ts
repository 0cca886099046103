import { z } from 'zod';
import { CommandError } from '../cli/shared/command-error.ts';
import type { CallOptions } from '../core/copy/ports.ts';
import type { RegistryRepository } from '../core/copy/registry-repository.ts';
import type { Digest } from '../core/oci/digest.ts';
import { filterIndex } from '../core/oci/index-filter.ts';
import type { ImageManifest } from '../core/oci/manifest.ts';
import { isImageManifestType } from '../core/oci/media-types.ts';
import { plainText } from '../core/oci/plain-text.ts';
import { formatPlatform, type Platform } from '../core/oci/platform.ts';

/**
 * Node 24 without a shell or a package manager, as a user other than root; the Dockerfile names it,
 * too. https://github.com/GoogleContainerTools/distroless/blob/main/nodejs/README.md
 */
export const defaultBase = 'gcr.io/distroless/nodejs24-debian13:nonroot';

const textList = z.array(z.string()).nullish();

/**
 * What is read of an image's configuration; the rest of `config` is kept.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
 */
const configSchema = z.object({
  os: z.string().min(1),
  architecture: z.string().min(1),
  variant: z.string().nullish(),
  'os.version': z.string().nullish(),
  'os.features': textList,
  config: z
    .looseObject({
      Env: textList,
      Entrypoint: textList,
      Labels: z.record(z.string(), z.string()).nullish(),
      ExposedPorts: z.record(z.string(), z.looseObject({})).nullish(),
    })
    .nullish(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(z.string()) }),
  history: z.array(z.looseObject({})).nullish(),
});

export type ImageConfig = z.infer<typeof configSchema>;

/** The base for one platform. */
export interface BaseImage {
  manifest: ImageManifest;
  config: ImageConfig;
  platform: Platform;
}

/** The image that ours is built on. */
export interface Base {
  /** As it was asked for. */
  name: string;
  digest: Digest;
  /** Whether it has an index, and so ours gets one. */
  isIndex: boolean;
  images: BaseImage[];
}

/**
 * Reads the manifests and configurations of the base, for the wanted platforms, or for all of them.
 * Attestations are left out: they are about the base.
 *
 * @param reference its tag or digest
 * @throws CommandError for what can't be a base; NoMatchingPlatformError; RegistryError
 */
export async function readBase(
  source: RegistryRepository,
  reference: string,
  platforms: Platform[],
  options: CallOptions = {},
): Promise<Base> {
  const name = `${source.name}${reference.includes(':') ? '@' : ':'}${reference}`;
  const root = await source.manifest(reference, options);
  if (root.kind === 'image') {
    const image = await readImage(name, source, root, undefined, options);
    return { name, digest: root.digest, isIndex: false, images: [image] };
  }
  if (root.kind !== 'index') throw unusable(name, `its manifest is of the type ${root.mediaType}`);
  const images: BaseImage[] = [];
  for (const child of (filterIndex(root, platforms) ?? root).manifests) {
    if (child.platform?.os === 'unknown' || !isImageManifestType(child.mediaType)) continue;
    const manifest = await source.manifest(child.digest, { ...options, mediaType: child.mediaType });
    if (manifest.kind === 'image')
      images.push(await readImage(name, source, manifest, child.platform, options));
  }
  if (images.length === 0) throw unusable(name, 'its index names no image');
  return { name, digest: root.digest, isIndex: true, images };
}

async function readImage(
  name: string,
  source: RegistryRepository,
  manifest: ImageManifest,
  named: Platform | undefined,
  options: CallOptions,
): Promise<BaseImage> {
  const config = readConfig(name, await source.readBlob(manifest.config, options));
  const platform = named ?? platformOf(config);
  const shown = `${name} for ${plainText(formatPlatform(platform), 80)}`;
  if (config.os !== 'linux')
    throw unusable(shown, 'it is not for Linux', 'choose the platforms of Linux: --platform linux/amd64');
  if (named !== undefined && (named.os !== config.os || named.architecture !== config.architecture))
    throw unusable(shown, `its configuration says ${plainText(formatPlatform(platformOf(config)), 80)}`);
  const { length } = config.rootfs.diff_ids;
  if (length !== manifest.layers.length)
    throw unusable(shown, `it has ${manifest.layers.length} layers, and its configuration names ${length}`);
  return { manifest, config, platform };
}

function readConfig(name: string, bytes: Uint8Array): ImageConfig {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw unusable(name, 'its configuration is not JSON');
  }
  const read = configSchema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw unusable(name, `its configuration is not an image’s: ${issue?.path.join('.')}: ${issue?.message}`);
}

function platformOf(config: ImageConfig): Platform {
  const { os, architecture, variant } = config;
  return { os, architecture, ...(variant && { variant }) };
}

function unusable(name: string, reason: string, remedy = 'choose another image: --base REGISTRY/NAME:TAG') {
  return new CommandError(`${name} can’t be the base: ${reason}`, remedy);
}
