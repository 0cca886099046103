import { inParallel } from '../async/in-parallel.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { isDigest } from '../oci/digest.ts';
import { blobsOf, type Manifest } from '../oci/manifest.ts';
import { type PooledImage, requestInPool } from './blob/blob-pool.ts';
import { CopyError } from './errors.ts';
import type { CopyPlan } from './plan.ts';
import type { CallOptions, ImageDestination } from './ports.ts';
import { streamsOf } from './streams.ts';

/**
 * Puts the manifests below the root, children before parents: a registry refuses an index whose
 * children are missing. Images that the destination already has are left out: when an index
 * changes, most of its children stay the same. After this, only {@link commitRoot} is left to make
 * the image visible.
 *
 * @param arrived the blobs that are new in the destination
 */
export async function commitChildren(
  destination: ImageDestination,
  plan: Pick<CopyPlan, 'children'>,
  arrived: Descriptor[],
  options: CallOptions & { pooled?: PooledImage | undefined } = {},
): Promise<void> {
  const { pooled } = options;
  const isNew = new Set(arrived.map(({ digest }) => digest));
  const images = plan.children.filter((manifest) => manifest.kind !== 'index');
  await inParallel(
    images,
    streamsOf(destination),
    async (manifest, signal) => {
      const put = () => putChild(manifest, signal);
      await requestInPool({ pooled, end: destination }, put, signal);
    },
    options.signal,
  );
  async function putChild(manifest: Manifest, signal: AbortSignal): Promise<void> {
    // A manifest whose blobs were missing was missing itself: no need to ask for it.
    const wasMissing = blobsOf(manifest).some(({ digest }) => isNew.has(digest));
    if (!wasMissing && (await destination.hasManifest?.(manifest, { signal }))) return;
    await destination.putManifest(manifest, manifest.digest, { signal });
  }
  // Indexes in indexes are rare, and `children` has theirs first: one after the other is right and
  // quick enough.
  for (const manifest of plan.children) {
    if (manifest.kind === 'index') await destination.putManifest(manifest, manifest.digest, options);
  }
}

export interface CommitRootOptions extends CallOptions {
  /**
   * Whether to read the tag back (default true): others may write to it. Otherwise, the registry's
   * answer that it stored the digest is enough.
   */
  readBack?: boolean;
}

/**
 * Puts the root under its tag (or digest) and reads it back.
 *
 * @throws CopyError TAG_MOVED if the tag points to something else right afterwards.
 */
export async function commitRoot(
  destination: ImageDestination,
  plan: Pick<CopyPlan, 'root'>,
  reference: string,
  options: CommitRootOptions = {},
): Promise<Digest> {
  await destination.putManifest(plan.root, reference, options);
  if (isDigest(reference) || options.readBack === false) return plan.root.digest;
  const now = await destination.tagDigest(reference, options);
  if (now !== plan.root.digest) {
    throw new CopyError(
      'TAG_MOVED',
      `${destination.name}:${reference}`,
      `it was put as ${plan.root.digest} but reads back as ${now ?? 'missing'}`,
    );
  }
  return now;
}
