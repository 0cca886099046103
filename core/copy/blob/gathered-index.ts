import { setImmediate } from 'node:timers/promises';
import type { Digest } from '../../oci/digest.ts';
import type { LayerIndex } from './layer-index.ts';

/**
 * A layer index for images that are copied in parallel, which share most of their layers.
 * Simultaneous look-ups are combined into one, and an entry that one image adds is not added again
 * by others.
 */
export function gatheredLookUps(index: LayerIndex): LayerIndex {
  let gathering: { digests: Set<Digest>; found: Promise<Map<Digest, string[]>> } | undefined;
  const added = new Set<string>();
  const gather = (): NonNullable<typeof gathering> => {
    const digests = new Set<Digest>();
    const found = setImmediate().then(() => {
      gathering = undefined;
      // No signal: an image that is given up must not cost the others their answer.
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
