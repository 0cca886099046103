import { presentOnly } from '../../core/copy/amount.ts';
import { mountsFrom } from '../../core/copy/blob/mount-sources.ts';
import { commitRoot } from '../../core/copy/commit.ts';
import { copyImage, findImageReferrers } from '../../core/copy/copy-image.ts';
import { applyPlatforms } from '../../core/copy/plan.ts';
import type { Transfer } from '../../core/copy/ports.ts';
import { copyReferrers } from '../../core/copy/referrers/copy-referrers.ts';
import { type ReferrersOutcome, summariseReferrers } from '../../core/copy/referrers/referrers.ts';
import type { RegistryRepository } from '../../core/copy/registry-repository.ts';
import { resolve } from '../../core/copy/resolve.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { isManifestType } from '../../core/oci/media-types.ts';
import type { Reference } from '../../core/oci/reference.ts';
import { lacksContent } from '../../core/registry/errors.ts';
import { type Comparison, compareImage } from './compare-image.ts';
import {
  type CopyContext,
  type CopyWatcher,
  explained,
  type ImagePair,
  mountFrom,
  openPair,
  referenceOf,
} from './context.ts';
import type { CopyDestination } from './copy-destination.ts';
import { type ReportedImage, reportOf, whole } from './image-report.ts';
import type { CopyReport } from './report.ts';
import type { Done } from './side-by-side.ts';

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
  const { source, destination } = openPair(pair, context);
  const target = dst.tag ?? dst.digest ?? 'latest';
  const pooled = pool.enter({ ...dst, ...(context.mayMountFrom && { mayMountFrom: context.mayMountFrom }) });
  let isCommitted = false;
  const copying = async () => {
    const isKnown = comparison.kind === 'different';
    const ends = { source, reference: referenceOf(src), destination };
    const resolved = await resolve({ ...ends, target: isKnown ? undefined : target }, { signal });
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
      { source, destination, root },
      {
        pooled,
        signal,
        platforms: context.flags.platform,
        referrers: context.flags.referrers,
        async onPlanned(plan) {
          expectDigest(dst, plan.root.digest);
          await context.check?.(plan, source);
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
    // Nobody else carries blobs of this image.
    if (copied.kind !== 'whole') throw new Error(`the copy ended as ${copied.kind}`);
    const { plan } = copied;
    await commitRoot(destination, plan, target, { signal, readBack: false });
    isCommitted = true;
    return { report: report(plan, copied.transfer, copied.referrers), equal: false };
  };
  const interrupted = () => destination.interrupted(target);
  const copyingOrAgain = () =>
    copying().catch((error: unknown) => {
      if (!lacksContent(error)) throw error;
      // Another image of this run found it there, and something has deleted it since.
      pooled.distrust();
      return copying();
    });
  return await explained(destination, signal, copyingOrAgain, interrupted).finally(() =>
    pooled.leave(isCommitted),
  );
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

/** A digest at the destination must be the one that arrives there. */
function expectDigest(dst: Reference, digest: Digest): void {
  if (dst.digest === undefined || dst.digest === digest) return;
  throw new Error(
    `the destination asks for ${dst.digest}, and the image is ${digest}: give a tag instead, or the same digest`,
  );
}
