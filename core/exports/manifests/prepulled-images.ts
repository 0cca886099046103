import type { Mapping } from '../../mapping/record.ts';
import { parsePlatform } from '../../oci/platform.ts';

/** An image that nodes are to pull. */
export interface PrepulledImage {
  /** The upstream's reference. */
  image: string;
  /** The mirror's, by digest. */
  pinned: string;
}

/** Which images nodes of one platform are to pull. */
export interface PrepullSelection {
  os: string;
  architecture: string;
  /** Those that were mirrored at this time or later, in milliseconds since 1970. */
  since: number;
  /** At most so many, the newest. */
  limit: number;
}

/**
 * The images that were mirrored last and have the platform, the newest first. Several tags of one
 * image count once. What has no platform is not an image that can run, and a pull would fail.
 */
export function prepulledImages(mappings: readonly Mapping[], selection: PrepullSelection): PrepulledImage[] {
  const { since, limit } = selection;
  const fitting = mappings
    .filter((mapping) => Date.parse(mapping.mirroredAt) >= since && runsOn(mapping, selection))
    .sort((a, b) => Date.parse(b.mirroredAt) - Date.parse(a.mirroredAt) || (a.image < b.image ? -1 : 1));
  const byPinned = new Map<string, PrepulledImage>();
  for (const { image, pinned } of fitting) if (!byPinned.has(pinned)) byPinned.set(pinned, { image, pinned });
  return [...byPinned.values()].slice(0, limit);
}

function runsOn({ platforms = [] }: Partial<Mapping>, { os, architecture }: PrepullSelection): boolean {
  return platforms.some((text) => {
    try {
      const platform = parsePlatform(text);
      return platform.os === os && platform.architecture === architecture;
    } catch {
      // Whoever pushed the image wrote it.
      return false;
    }
  });
}
