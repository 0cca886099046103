import { inParallel } from '../async/in-parallel.ts';
import type { DigestKey } from '../mapping/record.ts';
import type { Digest } from '../oci/digest.ts';
import type { LossPlace, RemovedImage } from './ports.ts';

/** Digests that are read or removed at once. */
const digestsAtOnce = 10;

/**
 * Removes what digests are mapped to that the mirror can't serve any more: images, and children of
 * indexes. The mapping of a digest has no lease. So its claim is read first, then the mirror is
 * asked, and the removal fails if the claim is another one by then: somebody has put the image
 * again and mapped it.
 *
 * Call it after the tags that point to the digests were removed: a job that then puts the image
 * again publishes it, and so renews the claim.
 */
export async function removeDigests(
  { repository, upstream, deps, signal }: LossPlace,
  digests: Digest[],
): Promise<RemovedImage[]> {
  const { mappings, images } = deps;
  const read = await inParallel(digests, digestsAtOnce, async (reference) => {
    const key: DigestKey = { ...upstream, reference };
    const state = await mappings.read(key);
    return { key, claim: state?.claim, mapping: state?.mapping };
  });
  const mapped = read.flatMap(({ key, claim, mapping }) =>
    mapping?.mirrorRepository === repository ? [{ key, claim, digest: mapping.digest }] : [],
  );
  const reasons = await images.losses(
    repository,
    mapped.map(({ digest }) => ({ digest })),
    { signal },
  );
  const removed = await inParallel(
    mapped.map((one, index) => ({ ...one, reason: reasons[index] })),
    digestsAtOnce,
    async ({ key, claim, reason }) =>
      reason !== undefined && (await mappings.unmapDigest(key, claim)) ? [{ key, reason }] : [],
  );
  return removed.flat();
}
