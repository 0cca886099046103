import { inParallel } from '../async/in-parallel.ts';
import { DrayageError } from '../errors.ts';
import { LeaseError, withLease } from '../mapping/lease.ts';
import { unknownWriter } from '../mapping/store.ts';
import type { Digest } from '../oci/digest.ts';
import type { HeldImage, ImageGraph } from './plan.ts';
import type {
  DeletionFailure,
  KnownDigest,
  KnownTag,
  MirrorContents,
  Place,
  RetentionMappings,
  RetiringStore,
} from './ports.ts';

/** Digests that are marked at once. */
const marksAtOnce = 16;
/** Images that are deleted by one request, which succeeds or fails. */
const deletedAtOnce = 100;

/**
 * How long a mark holds, and how long after it something may still be deleted, milliseconds. In
 * between is room for clocks that differ and for requests that are on their way: ECR deletes
 * without a condition, so a mark must never lapse before the last request under it has ended.
 */
const markMs = 10 * 60_000;
const deleteWithinMs = 2 * 60_000;

/** The most images that are marked and deleted together. */
const groupSize = 500;

/** Images that may go, in the order in which they are deleted; what they take along is in it. */
export function nextGroup(
  going: ReadonlyMap<Digest, HeldImage>,
  graph: ImageGraph,
  limit = groupSize,
): Set<Digest> {
  const group = new Set<Digest>();
  const oldestFirst = [...going.values()].sort((a, b) => (a.pushedAt ?? 0) - (b.pushedAt ?? 0));
  const tops = oldestFirst.filter(({ digest }) => !graph.owners(digest).some((other) => going.has(other)));
  // An index may belong to an image below it: then neither stands on its own.
  for (const { digest } of tops.length > 0 ? tops : oldestFirst) {
    if (group.size >= limit) break;
    for (const each of graph.neededBy([digest])) if (going.has(each)) group.add(each);
  }
  // What another image names goes with the last one that does, and what belongs to several images
  // goes with all of them: it must not be gone while somebody may still want one of those.
  for (let left = -1; left !== group.size; ) {
    left = group.size;
    for (const digest of group) {
      const near = [...graph.before(digest), ...graph.owners(digest)];
      if (near.some((other) => going.has(other) && !group.has(other))) group.delete(digest);
    }
  }
  return group;
}

/** What deleting works with. */
export interface DeletingDependencies {
  mappings: RetentionMappings;
  retiring: RetiringStore;
  contents: MirrorContents;
  /** Unique for each run. */
  owner: string;
}

/** Some images of a repository that shall be deleted together. */
export interface DeletedGroup {
  place: Place;
  mirrorRepository: string;
  images: readonly HeldImage[];
  graph: ImageGraph;
  digests: ReadonlyMap<Digest, KnownDigest>;
  tags: ReadonlyMap<string, KnownTag>;
}

/** What became of them: those in neither are kept, since somebody wants them again. */
export interface GroupOutcome {
  deleted: Set<Digest>;
  failed: Map<Digest, DeletionFailure>;
}

/**
 * Deletes some images: marks their digests, looks at them once more, deletes what names others
 * before those, and removes the marks.
 */
export async function deleteGroup(
  group: DeletedGroup,
  deps: DeletingDependencies,
  signal: AbortSignal,
): Promise<GroupOutcome> {
  const { mirrorRepository: repository, images, graph } = group;
  const { contents } = deps;
  const until = Date.now() + markMs;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(deleteWithinMs)]);
  const outcome: GroupOutcome = { deleted: new Set(), failed: new Map() };
  const marked = new Map<Digest, HeldImage>();
  try {
    const blocked = new Set<Digest>();
    await inParallel(
      images,
      marksAtOnce,
      async (image) => {
        if (await mark(image.digest, group, { ...deps, until, signal: limited }))
          marked.set(image.digest, image);
        else blocked.add(image.digest);
      },
      limited,
    );
    const now = await contents.tagsOf(repository, [...marked.keys()], { signal: limited });
    for (const [digest, { tags }] of marked)
      if (now.get(digest)?.some((tag) => !tags.includes(tag))) blocked.add(digest);
    const left = new Set(marked.keys());
    const keep = (digests: Iterable<Digest>) => {
      for (const digest of graph.neededBy(digests)) left.delete(digest);
    };
    keep(blocked);
    while (left.size > 0) {
      const free = [...left].filter((digest) => !graph.before(digest).some((other) => left.has(other)));
      const wave = free.slice(0, deletedAtOnce);
      if (wave.length === 0) break;
      const failures = await contents.remove(repository, wave, { signal: limited });
      for (const digest of wave) {
        left.delete(digest);
        const failure = failures.get(digest);
        if (failure) outcome.failed.set(digest, failure);
        else outcome.deleted.add(digest);
      }
      keep(failures.keys());
    }
    return outcome;
  } catch (error) {
    // What is deleted must be told.
    if (outcome.deleted.size === 0) throw error;
    for (const { digest } of images)
      if (!outcome.deleted.has(digest)) outcome.failed.set(digest, deletionFailure(error));
    return outcome;
  } finally {
    // A mark that stays lapses by itself.
    await inParallel([...marked.keys()], marksAtOnce, async (reference) => {
      await deps.retiring.end({ ...group.place, reference }, deps.owner).catch(() => {});
    });
  }
}

/** Why something was not deleted, if the attempt failed. */
export function deletionFailure(error: unknown): DeletionFailure {
  const code = error instanceof DrayageError ? error.code : 'INTERNAL';
  const reason = error instanceof Error ? error.message : String(error);
  return { code, reason: reason.slice(0, 500) };
}

/** Marks a digest, unless somebody wants it. */
async function mark(
  digest: Digest,
  group: DeletedGroup,
  deps: DeletingDependencies & { until: number; signal: AbortSignal },
): Promise<boolean> {
  const { place, digests } = group;
  const { retiring, owner, until } = deps;
  const { claim, writers = [] } = digests.get(digest) ?? {};
  const key = { ...place, reference: digest };
  for (const writer of writers) if (!(await isOver(writer, digest, group, deps))) return false;
  if (writers.length > 0) await retiring.forgetWriters(key, writers);
  return await retiring.begin(key, { owner, claim, until });
}

/**
 * Whether a lease can't point its tag to a digest any more, and has not done so. A later lease
 * makes that certain, so one is taken if there is none.
 */
async function isOver(
  writer: KnownDigest['writers'][number],
  digest: Digest,
  { place, tags }: DeletedGroup,
  { mappings, owner, signal }: DeletingDependencies & { signal: AbortSignal },
): Promise<boolean> {
  if (writer.tag === unknownWriter.tag) return false;
  const known = tags.get(writer.tag);
  if (known && known.fence > writer.fence) return known.digest !== digest;
  const key = { ...place, reference: writer.tag };
  try {
    return await withLease(mappings, { key, owner, signal }, async ({ lease, state }) => {
      await mappings.releaseLease(key, lease);
      return state.mapping?.digest !== digest;
    });
  } catch (error) {
    // A job moves the tag now.
    if (error instanceof LeaseError) return false;
    throw error;
  }
}
