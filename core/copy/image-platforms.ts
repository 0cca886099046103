import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import { formatPlatform, type Platform } from '../oci/platform.ts';
import type { CopyPlan } from './plan.ts';
import type { CallOptions, ImageDestination } from './ports.ts';

/**
 * The platforms an image runs on, as `linux/arm64/v8`, sorted.
 *
 * An index tells them in its descriptors (`unknown/unknown` marks attestations). A single image tells it in its config
 * (OCI image specification, config.md): in `configs` if it was just copied, else it is read from the mirror, never again
 * from upstream. An artifact has none.
 */
export async function imagePlatforms(
  plan: CopyPlan,
  configs: Map<Digest, Uint8Array>,
  destination: ImageDestination,
  options?: CallOptions,
): Promise<string[]> {
  const platforms = new Set<string>();
  if (plan.root.kind === 'index') {
    for (const manifest of [plan.root, ...plan.children]) {
      if (manifest.kind !== 'index') continue;
      for (const { platform } of manifest.manifests) {
        if (platform && platform.os !== 'unknown') platforms.add(formatPlatform(platform));
      }
    }
    return [...platforms].sort();
  }
  if (!hasPlatformConfig(plan.root)) return [];
  const bytes =
    configs.get(plan.root.config.digest) ?? (await destination.readBlob(plan.root.config, options));
  const platform = platformOfConfig(bytes);
  return platform ? [formatPlatform(platform)] : [];
}

function hasPlatformConfig(manifest: Manifest & { kind: 'image' }): boolean {
  return /^application\/vnd\.(oci\.image\.config\.v1|docker\.container\.image\.v1)\+json$/.test(
    manifest.config.mediaType,
  );
}

/** A config comes from outside: whatever is not of the right type is as good as absent. */
function platformOfConfig(bytes: Uint8Array): Platform | undefined {
  let config: Partial<Record<string, unknown>>;
  try {
    config = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined; // not JSON: the image may still run nowhere, but it is mirrored as it is
  }
  const { os, architecture, variant } = config ?? {};
  if (!isPlatformWord(os) || !isPlatformWord(architecture)) return undefined;
  return { os, architecture, ...(isPlatformWord(variant) ? { variant } : {}) };
}

/** GOOS, GOARCH and variants are short plain words; nothing else gets into a mapping. */
function isPlatformWord(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value);
}
