import { setImmediate } from 'node:timers/promises';
import type { Digest } from '../../oci/digest.ts';
import type { LayerIndex } from './layer-index.ts';

/**
 * A layer index that gathers look-ups of the same moment into one: images that are copied side by
 * side begin together, and share most of their layers.
 */
export function gatheredLookUps(index: LayerIndex): LayerIndex {
  let gathering: { digests: Set<Digest>; found: Promise<Map<Digest, string[]>> } | undefined;
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
    add: (repository, digests) => index.add(repository, digests),
    drop: (repository, digest) => index.drop(repository, digest),
  };
}
