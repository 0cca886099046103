import { setImmediate } from 'node:timers/promises';
import type { Digest } from '../../oci/digest.ts';
import type { LayerIndex } from './layer-index.ts';

/**
 * A layer index for images that are copied side by side, which share most of their layers:
 * look-ups of the same moment are one, and what one image adds no other one adds again.
 */
export function gatheredLookUps(index: LayerIndex): LayerIndex {
  let gathering: { digests: Set<Digest>; found: Promise<Map<Digest, string[]>> } | undefined;
  const added = new Set<string>();
  const gather = (): NonNullable<typeof gathering> => {
    const digests = new Set<Digest>();
    const found = setImmediate().then(() => {
      gathering = undefined;
      // One image that is given up must not take the others' answer away: no signal.
      return index.find([...digests]);
    });
    return { digests, found };
  };
  return {
    async find(digests, options) {
      options?.signal?.throwIfAborted();
      gathering ??= gather();
      const { digests: all, found } = gathering;
      for (const digest of digests) all.add(digest);
      const holders = await found;
      options?.signal?.throwIfAborted();
      return new Map(
        digests.flatMap((digest) => {
          const repositories = holders.get(digest);
          return repositories ? [[digest, repositories]] : [];
        }),
      );
    },
    async add(repository, digests) {
      const fresh = digests.filter((digest) => !added.has(`${repository} ${digest}`));
      for (const digest of fresh) added.add(`${repository} ${digest}`);
      if (fresh.length === 0) return;
      try {
        await index.add(repository, fresh);
      } catch (error) {
        for (const digest of fresh) added.delete(`${repository} ${digest}`);
        throw error;
      }
    },
    drop: (repository, digest) => index.drop(repository, digest),
  };
}
