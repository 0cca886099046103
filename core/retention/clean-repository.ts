import { inParallel } from '../async/in-parallel.ts';
import type { Config, Retention } from '../config/config.ts';
import type { Digest } from '../oci/digest.ts';
import { keptSeconds } from '../policy/kept-seconds.ts';
import {
  type DeletingDependencies,
  deleteGroup,
  deletionFailure,
  type GroupOutcome,
  nextGroup,
} from './delete-group.ts';
import {
  type HeldImage,
  ImageGraph,
  type KeepReason,
  type Knowledge,
  manifestsToRead,
  mayAnyGo,
  planRetention,
  type References,
} from './plan.ts';
import type { KnownDigest, KnownTag, Place } from './ports.ts';

/** Histories that are read at once. */
const historiesAtOnce = 16;

/** What cleaning up works with. */
export interface CleaningDependencies extends DeletingDependencies {
  config: Config;
  now: () => Date;
}

/** A repository that a rule with `retention` covers. */
export interface RepositoryToClean {
  place: Place;
  mirrorRepository: string;
  retention: Retention;
  /** Only report what would be deleted. */
  dryRun: boolean;
}

/** What was, or would be, deleted in a repository. */
export interface Cleaned {
  /** The images, the oldest first. */
  images: { digest: Digest; tags: string[]; pushedAt?: string }[];
  /** At most so many bytes: layers that other images share stay. */
  bytes: number;
  /** How many images stay, by reason. */
  kept: Partial<Record<KeepReason, number>>;
  /** Images that could not be deleted, and why; the first one speaks for all. */
  failed?: { count: number; digest: Digest; code: string; reason: string };
  /** Whether the time was used up before everything was done. */
  isCut: boolean;
}

/** Deletes the images of a repository that its rule lets go, or tells which they are. */
export async function cleanRepository(
  work: RepositoryToClean,
  deps: CleaningDependencies,
  limits: { endsAt: number; signal: AbortSignal },
): Promise<Cleaned> {
  const { mirrorRepository, place, dryRun } = work;
  const { signal } = limits;
  // First the claims of digests, then the tags: what is published in between changes its claim.
  const digests = new Map<Digest, KnownDigest>();
  for await (const known of deps.retiring.digests(place)) digests.set(known.digest, known);
  const tags = new Map<string, KnownTag>();
  for await (const known of deps.retiring.tags(place)) tags.set(known.tag, known);
  const images = await deps.contents.list(mirrorRepository, { signal });
  const known = await knowledge(images, { digests, tags, work }, deps, signal);
  const references = mayAnyGo(images, known)
    ? await deps.contents.references(mirrorRepository, manifestsToRead(images, known), { signal })
    : new Map<Digest, References>();
  const plan = planRetention(images, references, known);
  const kept: Cleaned['kept'] = {};
  for (const reason of plan.staying.values()) kept[reason] = (kept[reason] ?? 0) + 1;
  if (dryRun) return { ...told(plan.going, references), kept, isCut: false };

  const graph = new ImageGraph(images, references);
  const going = new Map(plan.going.map((image) => [image.digest, image]));
  const deleted: HeldImage[] = [];
  const failed: GroupOutcome['failed'] = new Map();
  while (going.size > 0 && deps.now().getTime() < limits.endsAt) {
    const group = [...nextGroup(going, graph)].flatMap((digest) => going.get(digest) ?? []);
    if (group.length === 0) break;
    const outcome = await deleteGroup(
      { place, mirrorRepository, images: group, graph, digests, tags },
      deps,
      signal,
    ).catch((error: unknown) => {
      // What earlier groups have deleted must be told.
      if (deleted.length === 0) throw error;
      for (const { digest } of group) failed.set(digest, deletionFailure(error));
    });
    if (outcome === undefined) break;
    for (const image of group) {
      going.delete(image.digest);
      if (outcome.deleted.has(image.digest)) deleted.push(image);
    }
    for (const [digest, failure] of outcome.failed) failed.set(digest, failure);
    // What stays keeps what it needs.
    const stays = group.filter(({ digest }) => !outcome.deleted.has(digest)).map(({ digest }) => digest);
    for (const digest of graph.neededBy(stays)) going.delete(digest);
  }
  const [first] = failed;
  return {
    ...told(deleted, references),
    kept,
    ...(first && { failed: { count: failed.size, digest: first[0], ...first[1] } }),
    isCut: going.size > 0,
  };
}

interface Known {
  digests: ReadonlyMap<Digest, KnownDigest>;
  tags: ReadonlyMap<string, KnownTag>;
  work: RepositoryToClean;
}

async function knowledge(
  images: readonly HeldImage[],
  { digests, tags, work }: Known,
  deps: CleaningDependencies,
  signal: AbortSignal,
): Promise<Knowledge> {
  const { place, retention, dryRun } = work;
  const now = deps.now().getTime();
  const mapped = new Set([...tags.values()].flatMap(({ digest }) => digest ?? []));
  const lookedUp = new Set<Digest>();
  for (const { digest, mapped: target, isListed, isChild, expiresAt, writers } of digests.values()) {
    if (target === undefined) continue;
    if (isListed) mapped.add(target);
    if (expiresAt === undefined ? !isChild : expiresAt > now) lookedUp.add(digest);
    if (expiresAt !== undefined || isChild || isListed || mapped.has(digest) || dryRun) continue;
    // A tag may be about to be published: it would be mapped to a digest that expires.
    if (writers.some(({ tag, fence }) => (tags.get(tag)?.fence ?? 0) <= fence)) continue;
    // Its tag moved away, and whoever moved it could not say so: from now on, its time runs.
    const expiry = new Date(now + keptSeconds(deps.config, place) * 1_000);
    await deps.mappings.retireDigest({ ...place, reference: digest }, expiry);
  }
  const published = [...tags.values()].filter(({ wasPublished }) => wasPublished);
  const known: Knowledge = {
    mapped,
    history: new Set(),
    lookedUp,
    formerTags: new Set(published.flatMap(({ tag, digest }) => (digest === undefined ? [tag] : []))),
    now,
    keepNewest: retention.keepNewest,
    unmappedForMs: retention.unmappedForSeconds * 1_000,
  };
  if (!mayAnyGo(images, known)) return known;
  const histories = await inParallel(
    published,
    historiesAtOnce,
    async ({ tag }) => await deps.mappings.history({ ...place, reference: tag }),
    signal,
  );
  return { ...known, history: new Set(histories.flat().map(({ mapping }) => mapping.digest)) };
}

function told(
  images: readonly HeldImage[],
  references: ReadonlyMap<Digest, References>,
): Pick<Cleaned, 'images' | 'bytes'> {
  const sizes = new Map<Digest, number>();
  for (const { digest } of images) {
    const { blobs = [], bytes = 0 } = references.get(digest) ?? {};
    sizes.set(digest, bytes);
    for (const blob of blobs) sizes.set(blob.digest, blob.size);
  }
  let bytes = 0;
  for (const size of sizes.values()) bytes += size;
  return {
    images: images
      .toSorted((a, b) => (a.pushedAt ?? 0) - (b.pushedAt ?? 0))
      .map(({ digest, tags, pushedAt }) => ({
        digest,
        tags,
        ...(pushedAt !== undefined && { pushedAt: new Date(pushedAt).toISOString() }),
      })),
    bytes,
  };
}
