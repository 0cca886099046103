import { readHistory } from '../../core/aws/dynamodb/mappings/history.ts';
import { formatImageKey, type ImageKey } from '../../core/mapping/record.ts';
import { mirrorRepository } from '../../core/policy/mirror-repository.ts';
import { places } from './plan.ts';
import { registries } from './rules.ts';
import type { World } from './world.ts';

/** An image that must be in the mirror, and why. */
export interface NeededImage {
  mirrorRepository: string;
  digest: string;
  why: string;
}

/** More than any revision. */
const noRevision = 999_999_999;

/** What is mapped, and what the history of each tag names, by the functions' clock. */
export async function neededImages(world: World): Promise<NeededImage[]> {
  const needed: NeededImage[] = [];
  for (const { registry, repository } of upstreamRepositories()) {
    for (const tag of await knownTags(world, { registry, repository })) {
      const key = { registry, repository, reference: tag };
      const past = await readHistory(world.table, key, { before: noRevision, now: world.now() });
      for (const { mapping } of past)
        needed.push({ ...mapping, why: `the history of ${formatImageKey(key)} names it` });
    }
  }
  for await (const { key, mapping } of world.stores.mappings.all())
    needed.push({ ...mapping, why: `${formatImageKey(key)} is mapped to it` });
  return needed;
}

/** The same, with the manifests below indexes. */
export async function withChildren(world: World, images: NeededImage[]): Promise<NeededImage[]> {
  const all: NeededImage[] = [];
  for (const image of images) {
    const { mirrorRepository: repository, digest, why } = image;
    const manifest = await readManifest(world, repository, digest);
    const { manifests = [] } = JSON.parse(manifest?.text ?? '{}') as { manifests?: { digest: string }[] };
    all.push(image);
    for (const child of manifests)
      all.push({ mirrorRepository: repository, digest: child.digest, why: `${digest} names it, and ${why}` });
  }
  return all;
}

/** A manifest of the mirror as it is there; undefined if it is not. */
export async function readManifest(
  { mirror }: World,
  repository: string,
  digest: string,
): Promise<{ text: string; mediaType: string } | undefined> {
  const answer = await fetch(`${mirror.endpoint}/v2/${repository}/manifests/${digest}`, {
    headers: { accept: '*/*' },
  });
  const text = await answer.text();
  return answer.ok ? { text, mediaType: answer.headers.get('content-type') ?? '' } : undefined;
}

/** The mirror's repositories whose rule has `retention`. */
export function retainedRepositories({ upstreams }: World): Set<string> {
  const config = upstreams.config('second');
  return new Set(
    places.flatMap(({ upstream, repository }) =>
      upstreams.ruleOf(upstream, repository)?.retention
        ? [mirrorRepository(config, registries[upstream], repository)]
        : [],
    ),
  );
}

function upstreamRepositories(): Pick<ImageKey, 'registry' | 'repository'>[] {
  return places.map(({ upstream, repository }) => ({ registry: registries[upstream], repository }));
}

/** Tags that ever had a mapping: those without one have a history, too. */
async function knownTags(world: World, place: Pick<ImageKey, 'registry' | 'repository'>): Promise<string[]> {
  const tags: string[] = [];
  for await (const { tag } of world.retiring.tags(place)) tags.push(tag);
  return tags;
}
