import type { Digest } from '../oci/digest.ts';
import { isDigest } from '../oci/digest.ts';
import { CopyError } from './errors.ts';
import { inParallel } from './in-parallel.ts';
import type { CopyPlan } from './plan.ts';
import type { CallOptions, ImageDestination } from './ports.ts';

/** PutImage allows 10 requests a second and account; more at once only meets throttling. */
const manifestConcurrency = 4;

/**
 * Puts the manifests below the root, children before parents: a registry refuses an index whose children are missing.
 * Images that the destination has already are left out: of an index that changes, most children stay as they were.
 * After this only {@link commitRoot} is left to make the image visible.
 */
export async function commitChildren(
  destination: ImageDestination,
  plan: CopyPlan,
  options: CallOptions = {},
): Promise<void> {
  const images = plan.children.filter((manifest) => manifest.kind === 'image');
  const copied = new Set(plan.missing.map(({ digest }) => digest));
  await inParallel(
    images,
    manifestConcurrency,
    async (manifest, signal) => {
      // Whose blobs were missing was missing itself, and need not be asked for.
      const isNew = [manifest.config, ...manifest.layers].some(({ digest }) => copied.has(digest));
      if (!isNew && (await destination.hasManifest?.(manifest, { signal }))) return;
      await destination.putManifest(manifest, manifest.digest, { signal });
    },
    options.signal,
  );
  // Indexes in indexes are rare, and `children` has theirs first: one after the other is right and quick enough.
  for (const manifest of plan.children) {
    if (manifest.kind === 'index') await destination.putManifest(manifest, manifest.digest, options);
  }
}

/**
 * Puts the root under its tag (or digest) and reads it back.
 *
 * @throws CopyError TAG_MOVED when the tag names something else right afterwards.
 */
export async function commitRoot(
  destination: ImageDestination,
  plan: CopyPlan,
  reference: string,
  options: CallOptions = {},
): Promise<Digest> {
  await destination.putManifest(plan.root, reference, options);
  if (isDigest(reference)) return plan.root.digest;
  const now = await destination.tagDigest(reference, options);
  if (now !== plan.root.digest) {
    throw new CopyError(
      'TAG_MOVED',
      `${destination.name}:${reference}`,
      `it was put as ${plan.root.digest} and reads as ${now ?? 'missing'}`,
    );
  }
  return now;
}
