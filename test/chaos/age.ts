import { requestChange } from '../../core/jobs/changes/request-change.ts';
import type { Change } from '../../core/jobs/record.ts';
import { formatImageKey, isDigestKey, type StoredMapping } from '../../core/mapping/record.ts';
import { pushImage, pushManifest, seededImage } from '../support/seeded-image.ts';
import { listImages } from './delete-image.ts';
import { deliverWebhook } from './deliver.ts';
import { pushPlanned } from './images.ts';
import {
  type NeededImage,
  neededImages,
  readManifest,
  retainedRepositories,
  withChildren,
} from './needed.ts';
import { type PlannedPlace, places } from './plan.ts';
import { registries } from './rules.ts';
import { untilJobsEnd } from './settle.ts';
import type { World } from './world.ts';

const dayMs = 24 * 3_600_000;
/** Longer than the history, and than any `unmappedFor`. */
const longMs = 40 * dayMs;
/** Longer than images stay in any case, and shorter than the history. */
const shortMs = 2 * dayMs;
/** So many tags get new images, each in a repository of its own. */
const mostTargets = 8;
const tagByHand = 'by-hand';

/** What was there before the first image could be deleted, and must stay. */
export interface Aged {
  /** How many requests the mirror had got. */
  requestsBefore: number;
  /** How many images had been deleted from it. */
  deletionsBefore: number;
  /** Image key → digest. */
  pinned: Map<string, string>;
  byHand: { repository: string; digest: string }[];
  /** What belongs to an image, and was in the mirror. */
  referrers: { repository: string; subject: string; digest: string }[];
  needed: NeededImage[];
  /** All images of the mirror, by repository. */
  images: Map<string, Set<string>>;
}

/** A tag whose image will be replaced. */
interface Target {
  place: PlannedPlace;
  stored: StoredMapping;
}

/**
 * Lets images get old: some tags get a new image, and after forty days another one, which leaves
 * the second in their history. Some are pinned or rolled back before, and an operator gives some
 * of the old images a tag.
 */
export async function age(world: World): Promise<Aged> {
  const targets = await chosenTargets(world);
  const pinned = new Map<string, string>();
  const byHand: Aged['byHand'] = [];
  const change = async ({ key, mapping }: StoredMapping, what: Change) => {
    const { mappings, jobs, queue } = world.stores;
    const config = world.upstreams.config('second');
    await requestChange({ key, change: what }, { config, mappings, jobs, queue, now: world.now });
    pinned.set(formatImageKey(key), mapping.digest);
  };
  const every = (n: number) => targets.filter((_, at) => at % 4 === n);
  for (const { stored } of every(1)) await change(stored, { kind: 'pin' });
  for (const { stored } of every(2)) byHand.push(await tagged(world, stored.mapping));
  await untilJobsEnd(world);
  const pushed = await renew(world, targets, 1);
  for (const { stored } of every(3))
    await change(stored, { kind: 'rollback', digest: stored.mapping.digest });
  await untilJobsEnd(world);
  world.advance(longMs);
  pushed.push(...(await renew(world, targets, 2)));
  world.advance(shortMs - dayMs);
  // Nobody has looked for so long that retention counts as new: its first pass comes in a day.
  await world.functions.retention.invoke({ time: world.now().toISOString() });
  world.advance(dayMs);
  const images = await imagesOf(world);
  return {
    requestsBefore: world.mirror.requests.length,
    deletionsBefore: world.deletions.length,
    pinned,
    byHand,
    referrers: pushed.filter(({ repository, digest }) => images.get(repository)?.has(digest)),
    needed: await withChildren(world, await neededImages(world)),
    images,
  };
}

async function chosenTargets(world: World): Promise<Target[]> {
  const retained = retainedRepositories(world);
  const targets = new Map<string, Target>();
  for await (const stored of world.stores.mappings.all()) {
    const { key, mapping } = stored;
    if (isDigestKey(key) || !retained.has(mapping.mirrorRepository)) continue;
    const place = places.find(
      ({ upstream, repository }) => registries[upstream] === key.registry && repository === key.repository,
    );
    // This tag is one that a rule leaves out.
    if (place && key.reference !== 'nightly') targets.set(mapping.mirrorRepository, { place, stored });
  }
  // All rules are among them.
  const ordered = [...targets.values()].sort((a, b) =>
    a.place.repository.slice(-1) < b.place.repository.slice(-1) ? -1 : 1,
  );
  return ordered.slice(0, mostTargets);
}

/** Pushes a new image for each tag, with something that belongs to it, and tells of it. */
async function renew(world: World, targets: Target[], round: number): Promise<Aged['referrers']> {
  const pushed: Aged['referrers'] = [];
  for (const [n, { place, stored }] of targets.entries()) {
    const seed = `renewed-${round}-${n}`;
    const { reference: tag } = stored.key;
    const upstream = world.upstreams.registries[place.upstream];
    const { repository } = place;
    const image = { seed, layers: [{ seed, size: 5_000 }], platforms: n % 3 === 0 ? 2 : 1 } as const;
    const subject = await pushPlanned(upstream, {
      repository,
      tag,
      image: { ...image, layers: [...image.layers] },
    });
    const belonging = seededImage({
      seed: `belongs to ${seed}`,
      layers: [{ size: 300 }],
      subject,
      artifactType: 'application/vnd.example.sbom',
    });
    const { digest } = belonging.manifest;
    await pushImage(upstream.endpoint, repository, digest, belonging);
    await deliverWebhook(world, place, {
      image: { tag, digest: subject.digest, mediaType: subject.mediaType },
      event: 'push',
    });
    pushed.push({ repository: stored.mapping.mirrorRepository, subject: subject.digest, digest });
  }
  await untilJobsEnd(world);
  return pushed;
}

/** Gives an image of the mirror a tag that Drayage knows nothing of. */
async function tagged(
  world: World,
  { mirrorRepository: repository, digest }: StoredMapping['mapping'],
): Promise<Aged['byHand'][number]> {
  const found = await readManifest(world, repository, digest);
  if (found === undefined) throw new Error(`${repository}@${digest} is mapped, and not there`);
  const { authorization, endpoint } = world.mirror;
  const manifest = { bytes: Buffer.from(found.text), mediaType: found.mediaType, digest };
  await pushManifest(endpoint, repository, tagByHand, manifest, { authorization });
  return { repository, digest };
}

/** All images of the mirror, by repository. */
export async function imagesOf(world: World): Promise<Map<string, Set<string>>> {
  const images = new Map<string, Set<string>>();
  for (const repository of world.mirror.repositories())
    images.set(repository, new Set(await listImages(world, repository)));
  return images;
}
