import { findReferrers } from '../../core/copy/referrers/find-referrers.ts';
import type { ReferrersSummary } from '../../core/copy/referrers/referrers.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { type CopyContext, explained, type ImagePair, openPair } from './context.ts';

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
  const { source, destination } = openPair(pair, context);
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
