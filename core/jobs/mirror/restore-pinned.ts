import { commitRoot } from '../../copy/commit.ts';
import { withLease } from '../../mapping/lease.ts';
import type { MirrorJobDependencies } from '../dependencies.ts';
import type { JobRecord } from '../record.ts';

/**
 * Moves the mirror's tag back to what it is pinned to, if it is pinned. An earlier attempt at the
 * job may have moved it, and may have died or lost its lease before it published. Meanwhile, the
 * tag was pinned to what it was mapped to.
 *
 * @throws LeaseError; RegistryError of the mirror
 */
export async function restorePinned(
  { key, id }: JobRecord,
  deps: Pick<MirrorJobDependencies, 'mappings' | 'openMirror'>,
  signal: AbortSignal,
): Promise<void> {
  await withLease(deps.mappings, { key, owner: id, signal }, async (held) => {
    const { mapping } = held.state;
    if (mapping?.pin) {
      const { destination } = await deps.openMirror(mapping.mirrorRepository, { signal });
      const current = await destination.tagDigest(key.reference, { signal });
      // An image that the mirror has lost can't be put again.
      const isHeld = (await destination.tagDigest(mapping.digest, { signal })) !== undefined;
      if (current !== mapping.digest && isHeld) {
        const root = await destination.manifest(mapping.digest, { signal });
        await held.confirm();
        await commitRoot(destination, { root }, key.reference, { signal });
      }
    }
    await deps.mappings.releaseLease(key, held.lease);
  });
}
