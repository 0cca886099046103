import { inParallel } from '../async/in-parallel.ts';
import { LeaseError } from '../mapping/lease.ts';
import { removeMapping } from '../mapping/remove.ts';
import { announce } from '../notify/announce.ts';
import { mappingRemoved } from '../notify/events.ts';
import { keptSeconds } from '../policy/kept-seconds.ts';
import type { ReconcileDependencies } from './ports.ts';
import type { Place } from './round.ts';

/** Tags that are unmapped at once. */
const removalsAtOnce = 4;

/**
 * Removes the mappings of tags that a complete list of the upstream no longer has, as
 * `deleted: unmap` asks. Each tag is asked for once more, with its lease held: a list alone decides
 * nothing. The images stay in the mirror, and the digests stay known for the configured history.
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
    async (tag, inner) => await unmapOne({ ...place, reference: tag }, { hasTag, deps, signal: inner }),
    signal,
  );
  return removed.filter(Boolean).length;
}

interface UnmapContext {
  hasTag: (tag: string, signal: AbortSignal) => Promise<boolean>;
  deps: ReconcileDependencies;
  signal: AbortSignal;
}

async function unmapOne(
  key: Place & { reference: string },
  { hasTag, deps, signal }: UnmapContext,
): Promise<boolean> {
  const { config, mappings, now, warn } = deps;
  try {
    const outcome = await removeMapping(mappings, {
      key,
      owner: 'reconcile',
      signal,
      look: async ({ pin }) => {
        if (pin || (await hasTag(key.reference, signal))) return undefined;
        return { reason: 'deleted_upstream', at: now().toISOString() };
      },
    });
    if (outcome.kind === 'kept') return false;
    const { stored, removal } = outcome;
    const hosts = async () => mappings.registryHosts();
    await announce(async () => mappingRemoved({ config, stored, removal, hosts: await hosts() }), deps);
    const expiresAt = new Date(now().getTime() + keptSeconds(config, key) * 1_000);
    const { digest } = stored.mapping;
    await mappings
      .retireDigest({ ...key, reference: digest }, expiresAt)
      .catch((error: unknown) => warn(`marking ${digest} as out of use failed`, error));
    return true;
  } catch (error) {
    // A job moves the tag now: the next round looks again.
    if (!(error instanceof LeaseError)) throw error;
    return false;
  }
}
