import { amountOf, presentOnly } from '../../core/copy/amount.ts';
import { mountsFrom } from '../../core/copy/blob/mount-sources.ts';
import { commitChildren, commitRoot } from '../../core/copy/commit.ts';
import { type CopyEvent, copyBlobs } from '../../core/copy/copy.ts';
import { reportForeignLayers } from '../../core/copy/foreign-layers.ts';
import { type CopyPlan, plan as planCopy } from '../../core/copy/plan.ts';
import { emptyTransfer, type ImageDestination, type Transfer } from '../../core/copy/ports.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import { resolve } from '../../core/copy/resolve.ts';
import type { Digest } from '../../core/oci/digest.ts';
import type { Manifest } from '../../core/oci/manifest.ts';
import { formatReference, type Reference } from '../../core/oci/reference.ts';
import type { RegistryClient } from '../../core/registry/client.ts';
import { CopyDestination } from './copy-destination.ts';
import { CopyFailure, explainFailure } from './explain.ts';
import type { CopyFlags } from './flags.ts';
import { copyImageReferrers } from './image-referrers.ts';
import type { CopyReport } from './report.ts';

/** Both registries and what they are asked to do. */
export interface CopyContext {
  upstream: RegistryClient;
  mirror: RegistryClient;
  flags: Pick<CopyFlags, 'platform' | 'referrers'>;
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
 * Reads an image, and asks the destination for every blob and for what its tag names; nothing is written.
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

/**
 * The digest that a tag has on both sides, or undefined where they differ, a platform filter will make another one, or
 * referrers may be missing all the same.
 *
 * @throws CopyFailure
 */
export async function equalDigest(pair: ImagePair, context: CopyContext): Promise<Digest | undefined> {
  const { source, destination } = open(pair, context);
  const { signal, flags } = context;
  const [from, to] = [pair.src.tag, pair.dst.tag];
  if (flags.referrers || flags.platform.length > 0 || from === undefined || to === undefined)
    return undefined;
  return await explained(destination, signal, async () => {
    const there = await destination.tagDigest(to, { signal });
    if (there === undefined) return undefined;
    return (await source.tagDigest(from, { signal })) === there ? there : undefined;
  });
}

/**
 * Copies one image: its blobs, then its manifests, then the tag; at last, if they are wanted, its referrers.
 *
 * An image that the destination's tag names already, after the platform filter, is left as it is: `equal`.
 *
 * @param warm open connections for the blobs while the image is read
 * @throws CopyFailure; when the signal ends, Error that says what was committed
 */
export async function copyImage(
  pair: ImagePair,
  context: CopyContext,
  watcher: CopyWatcher,
  warm = true,
): Promise<{ report: CopyReport; equal: boolean }> {
  const { src, dst } = pair;
  const { signal } = context;
  const started = Date.now();
  const { source, destination } = open(pair, context);
  return await explained(
    destination,
    signal,
    async () => {
      const target = dst.tag ?? dst.digest ?? 'latest';
      const { root, current } = await resolve(source, referenceOf(src), destination, target, {
        warm,
        signal,
      });
      const finish = async (image: ReportedImage, transfer: Transfer, equal: boolean) => {
        const referrers = context.flags.referrers
          ? await copyImageReferrers(source, destination, image, { signal })
          : undefined;
        const report = reportOf(pair, image, transfer, Date.now() - started);
        return { report: { ...report, ...(referrers && { referrers }) }, equal };
      };
      // Whoever holds a manifest holds what it names: registries refuse it otherwise.
      if (current === root.digest && context.flags.platform.length === 0) {
        expectDigest(dst, root.digest);
        return await finish(whole(root), presentOnly(root), true);
      }
      const planned = await plan(root, source, destination, context, false);
      expectDigest(dst, planned.root.digest);
      if (current === planned.root.digest)
        return await finish(planned, { ...emptyTransfer(), present: amountOf(planned.blobs) }, true);
      watcher.planned(pair, planned);
      const mounts = mountFrom(pair);
      const { transfer, arrived } = await copyBlobs(source, destination, planned, {
        signal,
        onEvent: (event) => watcher.blob(event),
        ...(mounts !== undefined && { mounts: mountsFrom(mounts) }),
      }).finally(() => watcher.blobsEnded());
      await commitChildren(destination, planned, arrived, { signal });
      await commitRoot(destination, planned, target, { signal, readBack: false });
      return await finish(planned, transfer, false);
    },
    () => destination.interrupted(dst.tag ?? dst.digest ?? 'latest'),
  );
}

/** The repository of the destination's registry that the blobs are in already, if it is not the destination itself. */
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

/** An image that was found equal by its first manifest: of an index, whose children were not read, only that is known. */
function whole(root: Manifest): ReportedImage {
  return { source: root, root, sizeBytes: root.bytes.byteLength + presentOnly(root).present.bytes };
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
