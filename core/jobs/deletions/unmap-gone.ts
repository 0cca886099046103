import type { TagKey } from '../../mapping/record.ts';
import { removeMapping } from '../../mapping/remove.ts';
import { announce } from '../../notify/announce.ts';
import { mappingRemoved } from '../../notify/events.ts';
import { keptSeconds } from '../../policy/kept-seconds.ts';
import type { MirrorJobDependencies } from '../dependencies.ts';

/** What a look at the upstream's tag came to. */
export type GoneLook =
  /** The upstream no longer has it: its mapping was removed. */
  | 'removed'
  /** The upstream has it. */
  | 'there'
  /** Nothing was asked: it is pinned, or not mapped. */
  | 'pinned'
  | 'not_mapped';

/** How the upstream is asked, and for whom. */
export interface GoneRequest {
  /** The holder of the lease. */
  owner: string;
  /** Whether the upstream has the tag; throws if it can't tell. */
  hasTag: (tag: string, signal: AbortSignal) => Promise<boolean>;
  signal: AbortSignal;
}

/**
 * Removes the mapping of a tag if the upstream no longer has the tag, for rules with `deleted:
 * unmap`. The upstream is asked with the tag's lease held: what an event or a list says decides
 * nothing. The image stays in the mirror, and its digest can be looked up for a while. A pinned tag
 * stays mapped.
 *
 * @throws LeaseError if a job moves the tag now; what `hasTag` throws
 */
export async function unmapGone(
  key: TagKey,
  { owner, hasTag, signal }: GoneRequest,
  deps: Pick<MirrorJobDependencies, 'config' | 'mappings' | 'notifier' | 'now' | 'warn'>,
): Promise<GoneLook> {
  const { config, mappings, now, warn } = deps;
  let look: GoneLook = 'not_mapped';
  const outcome = await removeMapping(mappings, {
    key,
    owner,
    signal,
    look: async ({ pin }) => {
      look = pin ? 'pinned' : (await hasTag(key.reference, signal)) ? 'there' : 'removed';
      return look === 'removed' ? { reason: 'deleted_upstream', at: now().toISOString() } : undefined;
    },
  });
  if (outcome.kind === 'kept') return look;
  const { stored, removal } = outcome;
  const hosts = async () => mappings.registryHosts();
  await announce(async () => mappingRemoved({ config, stored, removal, hosts: await hosts() }), deps);
  const expiresAt = new Date(now().getTime() + keptSeconds(config, key) * 1_000);
  const { digest } = stored.mapping;
  await mappings
    .retireDigest({ ...key, reference: digest }, expiresAt)
    .catch((error: unknown) => warn(`marking ${digest} as out of use failed`, error));
  return 'removed';
}
