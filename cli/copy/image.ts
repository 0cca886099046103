import type { Concurrency } from '../../core/async/concurrency.ts';
import { presentOnly } from '../../core/copy/amount.ts';
import type { BlobPool } from '../../core/copy/blob/blob-pool.ts';
import type { CopyEvent } from '../../core/copy/blob/copy-blob.ts';
import { mountsFrom } from '../../core/copy/blob/mount-sources.ts';
import { commitRoot } from '../../core/copy/commit.ts';
import { copyImage, findImageReferrers } from '../../core/copy/copy-image.ts';
import { reportForeignLayers } from '../../core/copy/foreign-layers.ts';
import { applyPlatforms, type CopyPlan, plan as planCopy } from '../../core/copy/plan.ts';
import type { ImageDestination, Transfer } from '../../core/copy/ports.ts';
import { copyReferrers } from '../../core/copy/referrers/copy-referrers.ts';
import { findReferrers } from '../../core/copy/referrers/find-referrers.ts';
import {
  type ReferrersOutcome,
  type ReferrersSummary,
  summariseReferrers,
} from '../../core/copy/referrers/referrers.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import { resolve } from '../../core/copy/resolve.ts';
import type { Digest } from '../../core/oci/digest.ts';
import type { Manifest } from '../../core/oci/manifest.ts';
import { isManifestType } from '../../core/oci/media-types.ts';
import { formatReference, type Reference } from '../../core/oci/reference.ts';
import type { RegistryClient } from '../../core/registry/client.ts';
import { CopyDestination } from './copy-destination.ts';
import { CopyFailure, explainFailure } from './explain.ts';
import type { CopyFlags } from './flags.ts';
import type { CopyReport } from './report.ts';
import type { Done } from './side-by-side.ts';

/** Both registries and what they are asked to do. */
export interface CopyContext {
  upstream: RegistryClient;
  mirror: RegistryClient;
  flags: Pick<CopyFlags, 'platform' | 'referrers'>;
  /** The streams that all images share. */
  pool: BlobPool;
  /** How many images are copied at once. */
  parallel: Concurrency;
  /**
   * Destination repositories (`registry/repository`) that lacked the last tag they were asked for.
   */
  missingAt: Set<string>;
  /** Creates the destination's repository, if that is wanted. */
  createRepository?: () => Promise<void>;
  signal: AbortSignal;
}

/** One image and where it goes. */
export interface ImagePair {
  src: Reference;
  dst: Reference;
}

/** Who is told of an image's copy while it goes on. */
export interface CopyWatcher {
  /** The image was read, and what the destination lacks will travel. */
  planned(pair: ImagePair, plan: CopyPlan): void;
  blob(event: CopyEvent): void;
  /** No more blobs travel: all are there, or one failed. */
  blobsEnded(): void;
}

/**
 * Reads an image, and asks the destination for every blob and for what its tag names; nothing is
 * written.
 *
 * @throws CopyFailure
 */
export async function planImage(
  pair: ImagePair,
  context: CopyContext,
): Promise<{ plan: CopyPlan; destinationDigest?: Digest }> {
  const { source, destination } = open(pair, context);
  const { signal } = context;
  return await explained(destination, signal, async () => {
    const planned = await plan(referenceOf(pair.src), source, destination, context, true);
    const { tag } = pair.dst;
    const destinationDigest = tag === undefined ? undefined : await destination.tagDigest(tag, { signal });
    return { plan: planned, ...(destinationDigest !== undefined && { destinationDigest }) };
  });
}

/** What is known of an image before it is copied. */
export type Comparison =
  /** Both tags name this digest; if referrers are wanted, none were found. */
  | { kind: 'equal'; digest: Digest; referrers?: ReferrersSummary }
  /** They differ: what the destination's tag names, undefined where there is no such tag. */
  | { kind: 'different'; current: Digest | undefined }
  /** They were not compared: the copy finds out. */
  | { kind: 'unknown' };

/**
 * Compares what both tags name, by one HEAD a side, at the same time. Where the last tag of the
 * repository was missing at the destination, this one probably is, too: it is read right away,
 * which saves a round trip. A platform filter will make another digest: that is not compared here.
 * If referrers are wanted, the source is asked whether there are any of an image that is there;
 * whether the destination has those is for the copy to find out.
 *
 * @throws CopyFailure
 */
export async function compareImage(pair: ImagePair, context: CopyContext): Promise<Comparison> {
  const { source, destination } = open(pair, context);
  const { signal, flags, missingAt } = context;
  const [from, to] = [pair.src.tag, pair.dst.tag];
  const isFiltered = flags.platform.length > 0;
  if (isFiltered || from === undefined || to === undefined || missingAt.has(destination.name))
    return { kind: 'unknown' };
  return await explained(destination, signal, async () => {
    const asking = source.tagDigest(from, { signal });
    asking.catch(() => {}); // of interest only where the destination has the tag
    const current = await destination.tagDigest(to, { signal });
    if (current === undefined) missingAt.add(destination.name);
    if (current === undefined || (await asking) !== current) return { kind: 'different', current };
    if (!flags.referrers) return { kind: 'equal', digest: current };
    const { referrers, failures } = await findReferrers(source, [current], { signal });
    if (referrers.length > 0 || failures.length > 0) return { kind: 'unknown' };
    return { kind: 'equal', digest: current, referrers: { copied: 0, missing: [] } };
  });
}

/**
 * Copies one image if the destination's tag names another one.
 *
 * @throws CopyFailure; when the signal ends, Error that says what was committed
 */
export async function copyIfDifferent(
  pair: ImagePair,
  context: CopyContext,
  watcher: CopyWatcher,
): Promise<Done<CopyReport>> {
  const comparison = await compareImage(pair, context);
  if (comparison.kind === 'equal') {
    const { digest, referrers } = comparison;
    return { outcome: 'equal', digest, ...(referrers && { referrers }) };
  }
  const { report, equal } = await copyPair(pair, context, watcher, comparison);
  const { digest, referrers } = report;
  if (!equal) return { outcome: 'done', result: report };
  return { outcome: 'equal', digest, ...(referrers && { referrers }) };
}

/**
 * Copies one image: its blobs, its manifests, if they are wanted its referrers, and last the tag.
 *
 * An image that the destination's tag names already, after the platform filter, is left as it is:
 * `equal`.
 *
 * @throws CopyFailure; when the signal ends, Error that says what was committed
 */
export async function copyPair(
  pair: ImagePair,
  context: CopyContext,
  watcher: CopyWatcher,
  comparison: Exclude<Comparison, { kind: 'equal' }> = { kind: 'unknown' },
): Promise<{ report: CopyReport; equal: boolean }> {
  const { src, dst } = pair;
  const { signal, pool } = context;
  const started = Date.now();
  const { source, destination } = open(pair, context);
  const target = dst.tag ?? dst.digest ?? 'latest';
  const pooled = pool.enter(dst);
  let isCommitted = false;
  const copying = async () => {
    const isKnown = comparison.kind === 'different';
    const asked = isKnown ? undefined : target;
    const resolved = await resolve(source, referenceOf(src), destination, asked, { signal });
    const { root } = resolved;
    const current = isKnown ? comparison.current : resolved.current;
    // The next tag of the repository is compared by HEAD again.
    if (current !== undefined) context.missingAt.delete(destination.name);
    const report = (image: ReportedImage, transfer: Transfer, referrers?: ReferrersOutcome) => ({
      ...reportOf(pair, image, transfer, Date.now() - started),
      ...(referrers && { referrers: summariseReferrers(referrers) }),
    });
    // Whoever holds a manifest holds what it names: registries refuse it otherwise.
    const wanted = applyPlatforms(source, root, context.flags.platform);
    if (current === wanted.digest) {
      expectDigest(dst, wanted.digest);
      const image = whole(root, wanted);
      const referrers = await referrersOf(image, source, destination, context);
      return { report: report(image, presentOnly(wanted), referrers), equal: true };
    }
    const copied = await copyImage(
      { source, destination, root, current },
      {
        pooled,
        signal,
        platforms: context.flags.platform,
        referrers: context.flags.referrers,
        onPlanned(plan) {
          expectDigest(dst, plan.root.digest);
          watcher.planned(pair, plan);
          const mounts = mountFrom(pair);
          return {
            onEvent: (event) => watcher.blob(event),
            ended: () => watcher.blobsEnded(),
            ...(mounts !== undefined && { mounts: mountsFrom(mounts) }),
          };
        },
      },
    );
    // What is equal was found above, and nobody else carries blobs of this image.
    if (copied.kind !== 'whole') throw new Error(`the copy ended as ${copied.kind}`);
    const { plan } = copied;
    await commitRoot(destination, plan, target, { signal, readBack: false });
    isCommitted = true;
    return { report: report(plan, copied.transfer, copied.referrers), equal: false };
  };
  const interrupted = () => destination.interrupted(target);
  return await explained(destination, signal, copying, interrupted).finally(() => pooled.leave(isCommitted));
}

/** Copies what belongs to an image that the destination has, if that is wanted. */
async function referrersOf(
  image: ReportedImage,
  source: RegistryRepository,
  destination: CopyDestination,
  { flags, signal }: CopyContext,
): Promise<ReferrersOutcome | undefined> {
  if (!flags.referrers) return undefined;
  const { root } = image;
  const children =
    root.kind === 'index' ? root.manifests.filter((child) => isManifestType(child.mediaType)) : [];
  const found = await findImageReferrers(source, { ...image, children }, { signal });
  return await copyReferrers(source, destination, found, { signal });
}

/**
 * The repository of the destination's registry that the blobs are in already, if it is not the
 * destination itself.
 */
export function mountFrom({ src, dst }: ImagePair): string | undefined {
  return src.registry === dst.registry && src.repository !== dst.repository ? src.repository : undefined;
}

function open(
  { src, dst }: ImagePair,
  { upstream, mirror, createRepository }: CopyContext,
): { source: RegistryRepository; destination: CopyDestination } {
  return {
    source: new RegistryRepository(upstream, src.registry, src.repository),
    destination: new CopyDestination(mirror, dst, createRepository),
  };
}

function referenceOf({ tag, digest }: Reference): string {
  return digest ?? tag ?? 'latest';
}

function plan(
  image: string | Manifest,
  source: RegistryRepository,
  destination: ImageDestination,
  { flags, signal }: CopyContext,
  ask: boolean,
): Promise<CopyPlan> {
  return planCopy(source, destination, image, { platforms: flags.platform, signal, ask });
}

/** What of a plan is told. */
type ReportedImage = Pick<CopyPlan, 'source' | 'root' | 'sizeBytes'> & Partial<Pick<CopyPlan, 'foreign'>>;

/**
 * An image that was found equal by its first manifest: of an index, whose children were not read,
 * only that is known.
 */
function whole(source: Manifest, root: Manifest): ReportedImage {
  return { source, root, sizeBytes: root.bytes.byteLength + presentOnly(root).present.bytes };
}

function reportOf(
  { src, dst }: ImagePair,
  { source, root, sizeBytes, foreign: left = [] }: ReportedImage,
  transfer: Transfer,
  durationMs: number,
): CopyReport {
  const foreign = reportForeignLayers(left);
  return {
    source: formatReference(src),
    destination: formatReference(dst),
    sourceDigest: source.digest,
    digest: root.digest,
    mediaType: root.mediaType,
    sizeBytes,
    transfer,
    ...(foreign && { foreign }),
    durationMs,
  };
}

/** A digest at the destination must be the one that arrives there. */
function expectDigest(dst: Reference, digest: Digest): void {
  if (dst.digest === undefined || dst.digest === digest) return;
  throw new Error(
    `the destination asks for ${dst.digest}, and the image is ${digest}: give a tag instead, or the same digest`,
  );
}

async function explained<T>(
  destination: CopyDestination,
  signal: AbortSignal,
  work: () => Promise<T>,
  interrupted = () => 'interrupted; nothing was written',
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) throw new Error(interrupted(), { cause: error });
    throw new CopyFailure(explainFailure(error, destination.failedBlob(error)), error);
  }
}
