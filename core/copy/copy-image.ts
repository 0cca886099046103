import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { Platform } from '../oci/platform.ts';
import type { PooledImage } from './blob/blob-pool.ts';
import type { CopyEvent } from './blob/copy-blob.ts';
import type { MountSources } from './blob/mount-sources.ts';
import type { TimeLimit } from './blob/time-limit.ts';
import { commitChildren } from './commit.ts';
import { copyBlobs } from './copy.ts';
import { type CopyPlan, plan as planCopy } from './plan.ts';
import type { CallOptions, ImageSource, Transfer } from './ports.ts';
import { copyReferrers } from './referrers/copy-referrers.ts';
import { findReferrers } from './referrers/find-referrers.ts';
import type { FoundReferrers, ReferrersOutcome } from './referrers/referrers.ts';
import type { ReferrersDestination } from './referrers/referrers-tag.ts';

/** An image that was resolved, and where it goes. */
export interface ImageToCopy {
  source: ImageSource;
  destination: ReferrersDestination;
  /** The manifest that the source's reference points to. */
  root: Manifest;
}

/** How the blobs of a plan must be handled. */
export interface BlobHandling {
  /** Where they may be mounted from. */
  mounts?: MountSources | undefined;
  /**
   * Missing blobs that another worker carries: all others are copied, and the image is not
   * committed.
   */
  elsewhere?: readonly Pick<Descriptor, 'digest'>[] | undefined;
  onEvent?: ((event: CopyEvent) => void) | undefined;
  /** Called when no more blobs are being copied. @param complete whether all of them are there */
  ended?(complete: boolean): void | Promise<void>;
}

export interface CopyImageOptions extends CallOptions {
  /** Keep only these platforms of an index. */
  platforms?: Platform[] | undefined;
  /** Copy the signatures, SBOMs and the like of the image, too. */
  referrers?: boolean;
  /** The image's part in a pool; absent: it is copied alone. */
  pooled?: PooledImage | undefined;
  /** When the attempt must end. */
  timeLimit?: TimeLimit | undefined;
  /** Called once it is known what the destination lacks, before anything is written. */
  onPlanned?(plan: CopyPlan): BlobHandling | Promise<BlobHandling>;
}

/** What became of an image. */
export type CopiedImage =
  /** All blobs are there except those that another worker carries; no manifest was put. */
  | { kind: 'partial'; plan: CopyPlan; transfer: Transfer }
  /** Everything is there except the root under its tag. */
  | {
      kind: 'whole';
      plan: CopyPlan;
      transfer: Transfer;
      /** Bytes of the configs that passed through, by digest. */
      configs: Map<Digest, Uint8Array>;
      referrers?: ReferrersOutcome;
    };

/**
 * Copies what the destination lacks of an image: everything but the root's tag. The order is: plan,
 * blobs, manifests below the root (children before parents), then what belongs to the image. The
 * tag comes last (`commitRoot`), so that clients that find the image find its signatures, too.
 *
 * @throws CopyError or RegistryError, or the signal's reason. What was copied stays, and the next
 *   attempt finds it there.
 */
export async function copyImage(image: ImageToCopy, options: CopyImageOptions = {}): Promise<CopiedImage> {
  const { source, destination, root } = image;
  const { platforms, pooled, signal, timeLimit } = options;
  const plan = await planCopy(source, destination, root, { platforms, pooled, signal });
  const { mounts, elsewhere = [], onEvent, ended } = (await options.onPlanned?.(plan)) ?? {};
  const others = new Set(elsewhere.map(({ digest }) => digest));
  // Failing to find referrers is a result. Only the end of the attempt rejects, and the copy of the
  // blobs notices it as well.
  const finding =
    options.referrers && others.size === 0 ? findImageReferrers(source, plan, { signal }) : undefined;
  finding?.catch(() => {});
  const missing = plan.missing.filter(({ digest }) => !others.has(digest));
  const copying = { pooled, signal, mounts, timeLimit, onEvent };
  const copied = await copyBlobs(source, destination, { ...plan, missing }, copying).catch(async (error) => {
    await ended?.(false);
    throw error;
  });
  await ended?.(true);
  const { transfer, arrived, configs } = copied;
  if (others.size > 0) return { kind: 'partial', plan, transfer };
  await commitChildren(destination, plan, arrived, { signal, pooled });
  const referrers = finding && (await copyFound(image, plan.root, await finding, { signal }));
  return { kind: 'whole', plan, transfer, configs, ...(referrers && { referrers }) };
}

/**
 * Finds what belongs to an image. An index that a platform filter made has no referrers; its
 * children may have some.
 *
 * @throws only the signal's reason
 */
export function findImageReferrers(
  source: ImageSource,
  plan: Pick<CopyPlan, 'source' | 'root'> & { children: readonly { digest: Digest }[] },
  options: CallOptions = {},
): Promise<FoundReferrers> {
  const subjects = [plan.source.digest, ...plan.children.map(({ digest }) => digest)];
  const withoutRoot = plan.root.digest !== plan.source.digest;
  return findReferrers(source, subjects, { ...options, withoutRoot });
}

async function copyFound(
  { source, destination }: ImageToCopy,
  root: Manifest,
  found: FoundReferrers,
  options: CallOptions,
): Promise<ReferrersOutcome> {
  // Referrers are put after their image: whether Amazon ECR accepts them earlier is not documented.
  if (found.referrers.length > 0) await destination.putManifest(root, root.digest, options);
  return await copyReferrers(source, destination, found, options);
}
