import { LeaseError, type LeaseRequest, withLease } from './lease.ts';
import type { MappingRecord, MappingRemoval, StoredMapping } from './record.ts';
import type { MappingStore } from './store.ts';

/** A mapping that may have lost its image. */
export interface RemovalRequest extends LeaseRequest {
  /**
   * Looks at the mirror for what the mapping names; undefined if it is there. Called with the lease
   * held, so that no job moves the tag meanwhile.
   */
  look: (mapping: MappingRecord) => Promise<MappingRemoval | undefined>;
}

/** How the look at a mapping ended; `kept` also if there was none. */
export type RemovalOutcome =
  /** `stored`: the mapping as it was. */
  { kind: 'removed'; stored: StoredMapping; removal: MappingRemoval } | { kind: 'kept' };

/**
 * Removes a mapping whose image is gone, exclusively. The look decides, not what somebody was told:
 * an event may be late, and the image may have been mirrored again since.
 *
 * @throws LeaseError if the lease could not be acquired or was lost: another attempt may succeed.
 */
export async function removeMapping(store: MappingStore, request: RemovalRequest): Promise<RemovalOutcome> {
  const { key } = request;
  return await withLease(store, request, async ({ lease, state, expectHeld }) => {
    const { mapping } = state;
    const removal = mapping && (await request.look(mapping));
    if (mapping === undefined || removal === undefined) {
      await store.releaseLease(key, lease);
      return { kind: 'kept' };
    }
    expectHeld();
    if ((await store.unmap(key, lease, removal)) === undefined) throw new LeaseError(key);
    return { kind: 'removed', stored: { key, revision: state.revision, mapping }, removal };
  });
}
