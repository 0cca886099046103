import { inParallel } from '../async/in-parallel.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { filterIndex, NoMatchingPlatformError } from '../oci/index-filter.ts';
import { blobsOf, InvalidManifestError, type Manifest } from '../oci/manifest.ts';
import { isBlobType, isManifestType } from '../oci/media-types.ts';
import type { Platform } from '../oci/platform.ts';
import { RegistryError } from '../registry/errors.ts';
import { type PooledImage, requestInPool } from './blob/blob-pool.ts';
import { CopyError } from './errors.ts';
import { servedForeignLayers } from './foreign-layers.ts';
import type { CallOptions, ImageDestination, ImageSource } from './ports.ts';
import { streamsOf } from './streams.ts';

/** What must be done so that the destination holds an image. */
export interface CopyPlan {
  /** The manifest that the upstream's reference points to. */
  source: Manifest;
  /** What is put under the tag: the source itself, or a smaller index made by a platform filter. */
  root: Manifest;
  /** Manifests below the root, children before parents, each once. */
  children: Manifest[];
  /** Every blob of the image, each once. */
  blobs: Descriptor[];
  present: Descriptor[];
  /**
   * What the destination lacks, or all blobs if it was not asked: it then reports present blobs
   * when the upload of each is about to begin.
   */
  missing: Descriptor[];
  /** Layers with `urls` that the upstream does not serve itself ("foreign" layers): not copied. */
  foreign: Descriptor[];
  /** Bytes of all blobs and manifests, each once. */
  sizeBytes: number;
}

export interface PlanOptions extends CallOptions {
  /** Keep only these platforms of an index. An image that is not an index is copied whole. */
  platforms?: Platform[] | undefined;
  /** How many manifests are read at once; by default, as many as the source accepts. */
  concurrency?: number;
  /**
   * The image's part in a pool, whose requests share the limit, and which may know what the
   * destination holds.
   */
  pooled?: PooledImage | undefined;
  /** Ask for each blob, even if the destination would report presence by itself at upload. */
  ask?: boolean;
}

/** A destination, as far as a plan asks it. */
export type PlanDestination = Pick<
  ImageDestination,
  'name' | 'maxBlobBytes' | 'tellsPresence' | 'presentBlobs'
>;

/** Indexes nested deeper than this are refused; real ones have one level, rarely two. */
const maxDepth = 4;
/**
 * An image with more manifests than this is refused: an index of indexes can name millions in a few
 * megabytes.
 */
const maxManifests = 1_000;
/**
 * Bytes of all manifests below the root, by their descriptors: they are held in memory, with what
 * was parsed from them, until the image is committed. An index of a hundred platforms with
 * attestations has about 200 kB.
 */
const maxManifestBytes = 64 * 1024 * 1024;
/** Of the images of a pool, only one at a time has more than this. */
const manyManifestBytes = 4 * 1024 * 1024;

/**
 * Reads the image once and finds out what the destination lacks.
 *
 * The upstream is asked for each manifest exactly once, children in parallel; the destination once
 * per hundred blobs, or not at all if it reports presence by itself. `root` may be given if the
 * caller has already read it.
 *
 * @throws CopyError for images that are too deep or too large, contradict themselves or what the
 *   destination holds, have none of the platforms or can't be reduced to them; RegistryError from
 *   either side.
 */
export async function plan(
  source: ImageSource,
  destination: PlanDestination,
  reference: string | Manifest,
  options: PlanOptions = {},
): Promise<CopyPlan> {
  const upstream = typeof reference === 'string' ? await source.manifest(reference, options) : reference;
  const root = applyPlatforms(source, upstream, options.platforms);
  const children = await readChildren(source, root, options);
  const manifests = [root, ...children.manifests];
  const named = collectBlobs(manifests, children.blobs);
  checkBlobSizes(destination, named.blobs);
  expectCountable(source, manifests, [...named.blobs, ...named.foreign]);
  const asks = options.ask || !destination.tellsPresence;
  const all = [...named.blobs, ...named.foreign];
  const there = new Set(all.filter((blob) => options.pooled?.holds(blob)).map(({ digest }) => digest));
  const unknown = all.filter(({ digest }) => !there.has(digest));
  if (asks && (unknown.length > 0 || all.length === 0))
    for (const digest of await destination.presentBlobs(unknown, options)) there.add(digest);
  // A foreign layer that the upstream serves anyway, or that is already there, is an ordinary
  // layer.
  const unheld = named.foreign.filter((blob) => !there.has(blob.digest));
  const served = new Set(await servedForeignLayers(source, unheld, options));
  const foreign = unheld.filter((blob) => !served.has(blob));
  const blobs = [...named.blobs, ...named.foreign.filter((blob) => !foreign.includes(blob))];
  checkBlobSizes(destination, blobs);
  return {
    source: upstream,
    root,
    children: children.manifests,
    blobs,
    foreign,
    present: blobs.filter((blob) => there.has(blob.digest)),
    missing: blobs.filter((blob) => !there.has(blob.digest)),
    sizeBytes: totalBytes(manifests, blobs),
  };
}

function totalBytes(manifests: Manifest[], blobs: Descriptor[]): number {
  const ofManifests = manifests.reduce((bytes, manifest) => bytes + manifest.bytes.byteLength, 0);
  return blobs.reduce((sum, { size }) => sum + size, ofManifests);
}

/** Above the largest safe integer, sums and comparisons of sizes would be silently wrong. */
function expectCountable(source: ImageSource, manifests: Manifest[], blobs: Descriptor[]): void {
  if (totalBytes(manifests, blobs) <= Number.MAX_SAFE_INTEGER) return;
  const reason = 'the sizes of its blobs add up to more than 2^53-1 bytes';
  throw new CopyError('IMAGE_TOO_LARGE', source.name, reason);
}

function checkBlobSizes(destination: PlanDestination, blobs: Descriptor[]): void {
  const { name, maxBlobBytes } = destination;
  const large = blobs.find(({ size }) => maxBlobBytes !== undefined && size > maxBlobBytes);
  if (large) {
    const reason = `its ${large.size} bytes are more than the ${maxBlobBytes} that ${name} accepts`;
    throw new CopyError('IMAGE_TOO_LARGE', large.digest, reason);
  }
}

/**
 * What is put under the tag: a smaller index, or the image as it is.
 *
 * @throws CopyError if the smaller index can't be made
 */
export function applyPlatforms(
  source: ImageSource,
  manifest: Manifest,
  platforms: Platform[] | undefined,
): Manifest {
  if (platforms === undefined || platforms.length === 0 || manifest.kind !== 'index') return manifest;
  try {
    return filterIndex(manifest, platforms) ?? manifest;
  } catch (error) {
    if (error instanceof NoMatchingPlatformError) {
      throw new CopyError('NO_MATCHING_PLATFORM', source.name, error.message);
    }
    if (error instanceof InvalidManifestError) {
      throw new CopyError(
        'MANIFEST_INVALID',
        source.name,
        `it can't be reduced to its platforms: ${error.reason}`,
      );
    }
    throw error;
  }
}

/** Reads everything below `root`, level by level, and returns it children before parents. */
async function readChildren(
  source: ImageSource,
  root: Manifest,
  options: PlanOptions,
): Promise<{ manifests: Manifest[]; blobs: Descriptor[] }> {
  const concurrency = options.concurrency ?? streamsOf(source);
  const seen = new Set<Digest>([root.digest]);
  const blobs: Descriptor[] = [];
  const read = new Map<Digest, Manifest>();
  let parents: Manifest[] = [root];
  let manifestBytes = 0;
  for (let depth = 0; parents.length > 0; depth++) {
    const wanted: Descriptor[] = [];
    for (const child of parents.flatMap((parent) => (parent.kind === 'index' ? parent.manifests : []))) {
      if (seen.has(child.digest)) continue;
      seen.add(child.digest);
      // An index may name things that are not manifests: build caches list their layers.
      if (isBlobType(child.mediaType)) blobs.push(child);
      else wanted.push(child);
    }
    if (wanted.length === 0) break;
    if (depth >= maxDepth) {
      throw new CopyError(
        'IMAGE_TOO_DEEP',
        source.name,
        `its indexes are nested deeper than ${maxDepth} levels`,
      );
    }
    if (seen.size > maxManifests) {
      throw new CopyError('IMAGE_TOO_LARGE', source.name, `it names more than ${maxManifests} manifests`);
    }
    manifestBytes += wanted.reduce((sum, child) => sum + child.size, 0);
    if (manifestBytes > maxManifestBytes) {
      throw new CopyError(
        'IMAGE_TOO_LARGE',
        source.name,
        `its manifests have ${manifestBytes} bytes together, more than ${maxManifestBytes}`,
      );
    }
    if (manifestBytes > manyManifestBytes) await options.pooled?.holdManyManifests(options.signal);
    const answers = await inParallel(
      wanted,
      concurrency,
      (child, signal) =>
        requestInPool(
          { pooled: options.pooled, end: source },
          () => readChild(source, child, { signal }),
          signal,
        ),
      options.signal,
    );
    blobs.push(...wanted.filter((_, i) => answers[i] === undefined));
    parents = answers.filter((manifest) => manifest !== undefined);
    for (const parent of parents) read.set(parent.digest, parent);
  }
  return { manifests: childrenFirst(root, read), blobs };
}

/**
 * Orders the manifests below `root`. Levels alone would not be enough: an index may also be a child
 * of its own sibling.
 */
function childrenFirst(root: Manifest, read: Map<Digest, Manifest>): Manifest[] {
  const ordered = new Set<Manifest>();
  const visit = (manifest: Manifest) => {
    for (const { digest } of manifest.kind === 'index' ? manifest.manifests : []) {
      const child = read.get(digest);
      if (child === undefined || ordered.has(child)) continue;
      visit(child); // at most maxManifests deep, and never in a circle: a digest can't contain itself
      ordered.add(child);
    }
  };
  visit(root);
  return [...ordered];
}

/**
 * The manifest that an index names; undefined if that is a blob. For an unknown type, only the
 * registry can tell: if it has no such manifest, or one that can't be read, the content is
 * requested as a blob.
 */
async function readChild(
  source: ImageSource,
  child: Descriptor,
  { signal }: CallOptions,
): Promise<Manifest | undefined> {
  const { digest, mediaType } = child;
  const isKnown = isManifestType(mediaType);
  let manifest: Manifest;
  try {
    manifest = await source.manifest(digest, { signal, ...(isKnown ? {} : { mediaType }) });
  } catch (error) {
    if (isKnown || !isFinalRefusal(error)) throw error;
    return undefined;
  }
  if (manifest.bytes.byteLength !== child.size) {
    throw new CopyError(
      'SIZE_INVALID',
      source.name,
      `the manifest ${child.digest} has ${manifest.bytes.byteLength} bytes, but its index says ${child.size}`,
    );
  }
  return manifest;
}

function isFinalRefusal(error: unknown): boolean {
  return error instanceof RegistryError && !error.temporary && error.status !== 401 && error.status !== 403;
}

function collectBlobs(
  manifests: Manifest[],
  loose: Descriptor[],
): { blobs: Descriptor[]; foreign: Descriptor[] } {
  const blobs = new Map<Digest, Descriptor>();
  const foreign = new Map<Digest, Descriptor>();
  const descriptors = manifests.flatMap(blobsOf);
  for (const blob of [...descriptors, ...loose]) {
    if (isForeign(blob)) foreign.set(blob.digest, blob);
    else if (!blobs.has(blob.digest)) blobs.set(blob.digest, blob);
    else if (blobs.get(blob.digest)?.size !== blob.size) {
      throw new CopyError('SIZE_INVALID', blob.digest, 'two manifests of the image give it different sizes');
    }
  }
  // If it is also named as an ordinary layer, it is one.
  const only = [...foreign.values()].filter(({ digest }) => !blobs.has(digest));
  return { blobs: [...blobs.values()], foreign: only };
}

/**
 * Layers that a registry does not need to hold: `…nondistributable…` in the OCI image specification
 * and Docker's `foreign` ones, if `urls` says who serves them.
 */
function isForeign(blob: Descriptor): boolean {
  return /\b(nondistributable|foreign)\b/.test(blob.mediaType) && (blob.urls?.length ?? 0) > 0;
}
