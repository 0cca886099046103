import type { Descriptor } from './descriptor.ts';
import { digestAlgorithm, digestOf } from './digest.ts';
import { type ImageIndex, InvalidManifestError, parseManifest } from './manifest.ts';
import { plainText } from './plain-text.ts';
import { formatPlatform, type Platform, platformMatches } from './platform.ts';

/**
 * How BuildKit links an attestation, whose platform is unknown/unknown, to the child of the same
 * index that it describes. https://docs.docker.com/build/metadata/attestations/attestation-storage/
 */
const referenceAnnotation = 'vnd.docker.reference.digest';

/** Beyond this number, a message only counts platforms. */
const maxNamed = 20;
/** Characters of one platform in a message; `windows(10.0.20348.2582)/amd64` has 30. */
const maxPlatformText = 80;

/**
 * No child of the index is for any of the requested platforms. The platforms come from the
 * publisher, who can write anything there: the message names the first 20, each in at most 80
 * characters without control characters.
 */
export class NoMatchingPlatformError extends Error {
  readonly wanted: string[];
  /** The platforms that the message names. */
  readonly available: string[];
  constructor(wanted: string[], available: string[]) {
    const named = available.slice(0, maxNamed).map((platform) => plainText(platform, maxPlatformText));
    const more = available.length > maxNamed ? ` and ${available.length - maxNamed} more` : '';
    const there = named.length > 0 ? named.join(', ') + more : 'none';
    super(`no image for ${wanted.join(', ')}: available platforms are ${there}; ask for one of those`);
    this.name = 'NoMatchingPlatformError';
    this.wanted = wanted;
    this.available = named;
  }
}

/**
 * The index with only the children for the given platforms, as new bytes with a new digest.
 * Everything else stays, in order, including unknown fields. Attestations of a kept child stay. A
 * child without a platform can't be judged and stays, too.
 *
 * Returns undefined if nothing would be dropped (as with no platforms), so that the bytes and their
 * digest can be kept. Throws `NoMatchingPlatformError` if nothing would be left,
 * `InvalidManifestError` if what is left can't be written again.
 */
export function filterIndex(index: ImageIndex, platforms: Platform[]): ImageIndex | undefined {
  if (platforms.length === 0) return undefined;
  const chosen = index.manifests.map((child) => isWanted(child, platforms));
  const chosenDigests = new Set<string>(
    index.manifests.filter((_, i) => chosen[i]).map((child) => child.digest),
  );
  const kept = index.manifests.map(
    (child, i) => chosen[i] === true || chosenDigests.has(child.annotations?.[referenceAnnotation] ?? ''),
  );
  if (kept.every(Boolean)) return undefined;
  if (!kept.some(Boolean)) {
    throw new NoMatchingPlatformError(platforms.map(formatPlatform), availablePlatforms(index));
  }
  const bytes = withoutChildren(index, kept);
  const expected = digestOf(bytes, digestAlgorithm(index.digest));
  return parseManifest(bytes, index.mediaType, expected) as ImageIndex;
}

/** The platforms that an index has images for, each once, in order; attestations have none. */
export function availablePlatforms(index: ImageIndex): string[] {
  const named = index.manifests.flatMap(({ platform }) =>
    platform && isNamed(platform) && platform.os !== 'unknown' ? [formatPlatform(platform)] : [],
  );
  return [...new Set(named)];
}

function isWanted(child: Descriptor, platforms: Platform[]): boolean {
  const { platform } = child;
  if (!platform || !isNamed(platform)) return child.annotations?.[referenceAnnotation] === undefined;
  return platforms.some((wanted) => platformMatches(wanted, platform));
}

/** Half a platform counts as none. */
function isNamed({ os, architecture }: Platform): boolean {
  return os !== '' && architecture !== '';
}

/** Works on the original JSON, so that unknown fields are kept. */
function withoutChildren(index: ImageIndex, kept: boolean[]): Uint8Array {
  const body = JSON.parse(new TextDecoder().decode(index.bytes)) as { manifests: unknown[] };
  body.manifests = body.manifests.filter((_, i) => kept[i]);
  try {
    return new TextEncoder().encode(JSON.stringify(body));
  } catch (cause) {
    // JSON.stringify recurses: unknown fields nested a million levels deep overflow the stack.
    const reason = 'it is nested too deeply to be written again; ask the publisher to push the image again';
    throw new InvalidManifestError('MANIFEST_INVALID', reason, { cause });
  }
}
