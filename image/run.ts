import { mountFrom, referenceOf } from '../cli/copy/context.ts';
import { CopyDestination } from '../cli/copy/copy-destination.ts';
import { repositoryCreator } from '../cli/copy/create-repository.ts';
import { type EndpointFlags, openDestination, openSource } from '../cli/copy/endpoints.ts';
import { UsageError } from '../cli/shared/usage-error.ts';
import { type MountSources, mountsFrom } from '../core/copy/blob/mount-sources.ts';
import { commitRoot } from '../core/copy/commit.ts';
import { copyImage } from '../core/copy/copy-image.ts';
import type { ImageDestination, Transfer } from '../core/copy/ports.ts';
import { RegistryRepository } from '../core/copy/registry-repository.ts';
import type { Digest } from '../core/oci/digest.ts';
import { formatPlatform, type Platform } from '../core/oci/platform.ts';
import { formatReference, type Reference } from '../core/oci/reference.ts';
import { buildApplication } from './application.ts';
import { readBase } from './base.ts';
import { type ComposedImage, compose } from './compose.ts';
import { composedSource } from './composed-source.ts';
import { LayoutDestination } from './layout.ts';

/** What `npm run image` is asked to do. */
export interface ImageOptions {
  base: Reference;
  /** Where it is pushed to. */
  to?: Reference | undefined;
  /** The folder of an OCI layout. */
  output?: string | undefined;
  /** Only these platforms of the base; all if there are none. */
  platforms: Platform[];
  node?: string | undefined;
  createRepository: boolean;
  created: Date;
  endpoints: EndpointFlags;
  signal: AbortSignal;
}

/** What was built. */
export interface ImageReport {
  digest: Digest;
  platforms: string[];
  /** The application's layer, compressed. */
  layerBytes: number;
  /** Everywhere it was put: `registry/name:tag@digest`, `oci:FOLDER:TAG`. */
  names: string[];
}

/**
 * Builds the image, and puts it where it was asked for.
 *
 * @throws UsageError, CommandError, RegistryError, CopyError
 */
export async function buildImage(options: ImageOptions): Promise<ImageReport> {
  const { base: from, to, output, platforms, endpoints, signal } = options;
  if (to === undefined && output === undefined)
    throw new UsageError('say where the image goes: --to REGISTRY/NAME:TAG, --output FOLDER, or both');
  if (to?.digest !== undefined) throw new UsageError('--to takes a tag: the digest is what the build gives');
  const layout = output === undefined ? undefined : new LayoutDestination(output);
  await using upstream = openSource(from, endpoints, signal);
  const source = new RegistryRepository(upstream, from.registry, from.repository);
  const base = await readBase(source, referenceOf(from), platforms, { signal });
  const application = await buildApplication(signal);
  const image = compose(base, application, options);
  const { digest } = image.root;
  const names: string[] = [];
  const tag = to?.tag ?? application.labels['org.opencontainers.image.version'] ?? 'latest';
  if (layout) {
    await put(image, source, layout, tag, options);
    names.push(`oci:${output}:${tag}`);
  }
  if (to) {
    await using mirror = openDestination(to, endpoints, signal);
    const creator = options.createRepository ? repositoryCreator(to, signal) : undefined;
    await put(image, source, new CopyDestination(mirror, to, creator), tag, options);
    names.push(`${formatReference({ ...to, tag })}@${digest}`);
  }
  return {
    digest,
    platforms: base.images.map(({ platform }) => formatPlatform(platform)),
    layerBytes: application.layer.descriptor.size,
    names,
  };
}

async function put(
  image: ComposedImage,
  base: RegistryRepository,
  destination: ImageDestination,
  tag: string,
  { base: src, to: dst, signal }: ImageOptions,
): Promise<Transfer> {
  const from = dst && destination instanceof CopyDestination ? mountFrom({ src, dst }) : undefined;
  const source = composedSource(image, base);
  const copied = await copyImage(
    { source, destination, root: image.root },
    { signal, onPlanned: () => (from === undefined ? {} : { mounts: baseMounts(image, from) }) },
  );
  await commitRoot(destination, copied.plan, tag, { signal, readBack: false });
  return copied.transfer;
}

/** The base's repository has its layers, and nothing that was made here. */
function baseMounts({ blobs }: ComposedImage, repository: string): MountSources {
  const mounts = mountsFrom(repository);
  const sourceOf: MountSources['sourceOf'] = async (blob, options) =>
    blobs.has(blob.digest) ? undefined : mounts.sourceOf(blob, options);
  return { ...mounts, sourceOf };
}
