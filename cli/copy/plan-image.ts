import { type CopyPlan, plan } from '../../core/copy/plan.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { type CopyContext, explained, type ImagePair, openPair, referenceOf } from './context.ts';

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
  const { source, destination } = openPair(pair, context);
  const { signal, flags } = context;
  return await explained(destination, signal, async () => {
    const planned = await plan(source, destination, referenceOf(pair.src), {
      platforms: flags.platform,
      signal,
      ask: true,
    });
    await context.check?.(planned, source);
    const { tag } = pair.dst;
    const destinationDigest = tag === undefined ? undefined : await destination.tagDigest(tag, { signal });
    return { plan: planned, ...(destinationDigest !== undefined && { destinationDigest }) };
  });
}
