import type { TagKey } from '../../mapping/record.ts';
import type { MappingStore } from '../../mapping/store.ts';
import type { Digest } from '../../oci/digest.ts';

/** A list of tags is used again for so long, milliseconds. */
const keptMs = 60_000;
/** Lists of more tags are not kept. */
const mostKept = 50_000;

type Repository = Pick<TagKey, 'registry' | 'repository'>;

/** Which tags of a repository follow which upstream digest, as of some time. */
interface Known extends Repository {
  /** When it was begun to be read, milliseconds since 1970. */
  begunAt: number;
  tagsOf: Map<string, string[]>;
}

/** The list that was read last for each store. */
const latest = new WeakMap<MappingStore, Promise<Known>>();

/**
 * The mapped tags of a repository that follow an upstream digest, unless they are pinned. There is
 * no index by digest, so all tags are read. Somebody who deletes thousands of images at once causes
 * as many events: those that came before the list was begun share it.
 *
 * @param since when the event came: what is mapped by then is found
 */
export async function tagsByDigest(
  mappings: MappingStore,
  { registry, repository }: Repository,
  { digest, since, now }: { digest: Digest | string; since: Date; now: Date },
): Promise<string[]> {
  const kept = await latest.get(mappings)?.catch(() => undefined);
  const isFresh =
    kept !== undefined &&
    kept.registry === registry &&
    kept.repository === repository &&
    kept.begunAt > since.getTime() &&
    kept.begunAt + keptMs > now.getTime();
  if (isFresh) return kept.tagsOf.get(digest) ?? [];
  const reading = read(mappings, { registry, repository }, now);
  latest.set(mappings, reading);
  const { tagsOf } = await reading;
  if ([...tagsOf.values()].flat().length > mostKept) latest.delete(mappings);
  return tagsOf.get(digest) ?? [];
}

async function read(mappings: MappingStore, place: Repository, now: Date): Promise<Known> {
  const tagsOf = new Map<string, string[]>();
  for await (const { tag, sourceDigest, pin } of mappings.mappedTags(place)) {
    if (sourceDigest === undefined || pin) continue;
    const tags = tagsOf.get(sourceDigest);
    if (tags) tags.push(tag);
    else tagsOf.set(sourceDigest, [tag]);
  }
  return { ...place, begunAt: now.getTime(), tagsOf };
}
