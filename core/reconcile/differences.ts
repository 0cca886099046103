import { inParallel } from '../async/in-parallel.ts';
import type { RepositoryRule } from '../config/config.ts';
import type { MappedTag } from '../mapping/store.ts';
import type { Digest } from '../oci/digest.ts';
import { compileTagFilter, selectTags } from '../policy/select-tags.ts';
import type { ListedTag } from '../registry/operations/lists/tags.ts';
import { type Comparison, compareTag, type Wanted } from './compare.ts';

/** What a repository has, as far as its rule is concerned. */
export interface Listing {
  /** Tags that the upstream lists. */
  tags: number;
  /** The selected ones, in order of their names. */
  selected: ListedTag[];
  /** Mapped tags that the upstream does not list any more, unless they are pinned. */
  gone: string[];
}

/** So many tags are reserved at once. */
const stepTags = 1_000;

/**
 * Reads a complete list of tags. Only the tags that the rule selects are kept.
 *
 * @param reach waits until this many tags may be held: those of the list and the mapped ones
 * @throws what the list throws: a list that was cut short says nothing about what is gone
 */
export async function readListing(
  rule: RepositoryRule,
  tags: AsyncIterable<ListedTag>,
  mapped: ReadonlyMap<string, MappedTag>,
  reach?: (tags: number) => Promise<void>,
): Promise<Listing> {
  const filter = compileTagFilter(rule);
  const kept = new Map<string, ListedTag>();
  const gone = new Set(mapped.keys());
  let count = 0;
  for await (const listed of tags) {
    if (count % stepTags === 0) await reach?.(mapped.size + count + stepTags);
    count += 1;
    gone.delete(listed.tag);
    if (filter(listed.tag).selected) kept.set(listed.tag, listed);
  }
  const names = rule.tags.latest === undefined ? [...kept.keys()] : selectTags(rule, [...kept.keys()]);
  const selected = names.sort().flatMap((tag) => kept.get(tag) ?? []);
  return {
    tags: count,
    selected,
    gone: [...gone].filter((tag) => {
      const { pin, sourceDigest } = mapped.get(tag) ?? {};
      return !pin && sourceDigest !== undefined;
    }),
  };
}

/** A tag that must be looked at, and why. */
export interface Difference {
  tag: string;
  why: Exclude<Comparison, 'same' | 'pinned'>;
}

/** How digests are found that the list does not tell, and what tags are compared with. */
export interface Sides {
  mapped: ReadonlyMap<string, MappedTag>;
  wanted: Wanted;
  /**
   * What a tag points to; undefined if it is gone, or if the registry does not tell. Asked only for
   * tags that are mapped.
   */
  tagDigest: (tag: string, signal: AbortSignal) => Promise<Digest | undefined>;
}

/** HEAD requests at once. */
const headsAtOnce = 8;

/** Which tags differ from their mappings. A digest that nobody tells counts as different. */
export async function differencesOf(
  tags: readonly ListedTag[],
  { mapped, wanted, tagDigest }: Sides,
  signal: AbortSignal,
): Promise<Difference[]> {
  const compared = await inParallel(
    tags,
    headsAtOnce,
    async (listed, inner): Promise<Difference[]> => {
      const { tag } = listed;
      const before = mapped.get(tag);
      const first = compareTag(listed, before, wanted);
      const why =
        first === 'untold' ? compareTag({ tag, digest: await tagDigest(tag, inner) }, before, wanted) : first;
      return why === 'same' || why === 'pinned' ? [] : [{ tag, why }];
    },
    signal,
  );
  return compared.flat();
}
