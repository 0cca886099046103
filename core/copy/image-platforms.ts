import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import { formatPlatform, type Platform } from '../oci/platform.ts';
import type { CopyPlan } from './plan.ts';
import type { CallOptions, ImageDestination } from './ports.ts';

/** A larger config is not read: a real one has a few kilobytes. */
const maxConfigBytes = 4 * 1024 * 1024;
/**
 * The most platforms listed for one image: they are part of its mapping, and a list of mappings
 * must fit into an answer.
 */
const maxPlatforms = 64;
/** Characters; `windows(10.0.20348.2582)/amd64` has 31. */
const maxPlatformText = 100;

/**
 * The platforms an image runs on, as `linux/arm64/v8`, sorted.
 *
 * An index names them in its descriptors (`unknown/unknown` marks attestations). A single image
 * names its platform in its config (OCI image specification, config.md). The config is in `configs`
 * if it was just copied; otherwise it is read from the mirror, never again from upstream. An
 * artifact has none.
 */
export async function imagePlatforms(
  plan: CopyPlan,
  configs: Map<Digest, Uint8Array>,
  destination: ImageDestination,
  options?: CallOptions,
): Promise<string[]> {
  if (plan.root.kind === 'index') return indexPlatforms([plan.root, ...plan.children]);
  if (plan.root.kind !== 'image' || !hasPlatformConfig(plan.root) || plan.root.config.size > maxConfigBytes)
    return [];
  const bytes =
    configs.get(plan.root.config.digest) ?? (await destination.readBlob(plan.root.config, options));
  const platform = platformOfConfig(bytes);
  return platform ? [formatPlatform(platform)] : [];
}

function indexPlatforms(manifests: Manifest[]): string[] {
  return platformTexts(manifests.flatMap((one) => (one.kind === 'index' ? one.manifests : [])));
}

/**
 * The platforms that descriptors of an index name, sorted. They come from outside and go into the
 * mapping, an item of at most 400 KB: unusual values are left out.
 */
export function platformTexts(descriptors: Pick<Descriptor, 'platform'>[]): string[] {
  const platforms = new Set<string>();
  for (const { platform } of descriptors) {
    if (platforms.size >= maxPlatforms) break;
    if (!platform || !isPlatform(platform)) continue;
    const text = formatPlatform(platform);
    if (text.length <= maxPlatformText) platforms.add(text);
  }
  return [...platforms].sort();
}

function hasPlatformConfig(manifest: Manifest & { kind: 'image' }): boolean {
  return /^application\/vnd\.(oci\.image\.config\.v1|docker\.container\.image\.v1)\+json$/.test(
    manifest.config.mediaType,
  );
}

/** A config comes from outside: a field of the wrong type counts as absent. */
function platformOfConfig(bytes: Uint8Array): Platform | undefined {
  let config: Partial<Record<string, unknown>>;
  try {
    config = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined; // not JSON: the image may still run nowhere, but it is mirrored as it is
  }
  const { os, architecture, variant } = config ?? {};
  if (!isPlatform({ os, architecture })) return undefined;
  return { os, architecture, ...(isPlatformWord(variant) ? { variant } : {}) } as Platform;
}

/** `unknown` is how attestations say that they run nowhere. */
function isPlatform({ os, architecture }: { os?: unknown; architecture?: unknown }): boolean {
  return isPlatformWord(os) && isPlatformWord(architecture) && os !== 'unknown';
}

/** GOOS, GOARCH and variants are short plain words; nothing else gets into a mapping. */
function isPlatformWord(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value);
}
