import { inParallel } from '../async/in-parallel.ts';
import { unmapGone } from '../jobs/deletions/unmap-gone.ts';
import { LeaseError } from '../mapping/lease.ts';
import type { ReconcileDependencies } from './ports.ts';
import type { Place } from './round.ts';

/** Tags that are unmapped at once. */
const removalsAtOnce = 4;

/**
 * Removes the mappings of tags that a complete list of the upstream no longer has, as
 * `deleted: unmap` asks. Each tag is asked for once more: a list alone decides nothing.
 *
 * @param hasTag whether the upstream has a tag; throws if it can't tell
 * @returns how many were removed
 */
export async function unmapDeleted(
  place: Place,
  tags: readonly string[],
  { hasTag, deps, signal }: UnmapContext,
): Promise<number> {
  const removed = await inParallel(
    tags,
    removalsAtOnce,
    async (tag, inner) => await isUnmapped({ ...place, reference: tag }, { hasTag, deps, signal: inner }),
    signal,
  );
  return removed.filter(Boolean).length;
}

interface UnmapContext {
  hasTag: (tag: string, signal: AbortSignal) => Promise<boolean>;
  deps: ReconcileDependencies;
  signal: AbortSignal;
}

async function isUnmapped(
  key: Place & { reference: string },
  { hasTag, deps, signal }: UnmapContext,
): Promise<boolean> {
  try {
    return (await unmapGone(key, { owner: 'reconcile', hasTag, signal }, deps)) === 'removed';
  } catch (error) {
    // A job moves the tag now: the next round looks again.
    if (!(error instanceof LeaseError)) throw error;
    return false;
  }
}
