import { fixedConcurrency } from '../../core/async/concurrency.ts';
import type { Config, RepositoryRule, Upstream } from '../../core/config/config.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { selectTags } from '../../core/policy/select-tags.ts';
import type { ListedTag } from '../../core/registry/operations/lists/tags.ts';
import type { TagPair } from '../copy/all-tags.ts';
import { InterruptedError, sideBySide } from '../copy/side-by-side.ts';
import { counted } from '../shared/format.ts';
import type { Explain } from './explain.ts';
import { type FoundRepository, findRepositories, type NotFound } from './find-repositories.ts';
import type { SyncTarget } from './target.ts';
import type { Upstreams } from './upstreams.ts';

/** An image that a rule names, and where it goes. */
export interface SyncImage extends TagPair {
  upstream: Upstream;
  rule: RepositoryRule;
  /** What the upstream's tag points to, if its list says so. */
  sourceDigest?: Digest;
}

/** What the configuration names. */
export interface FoundImages {
  images: SyncImage[];
  /** The repositories whose tags were listed, and how many there are. */
  repositories: (FoundRepository & { tags: number })[];
  failures: NotFound[];
  notes: string[];
}

/** Where repositories of upstreams are in the mirror. */
export type Places = Pick<SyncTarget, 'repositoryFor'>;

/** Called after each list of tags: how many are read, of how many. */
export type ListsTold = (done: number, all: number) => void;

/** So many lists of tags are read at once. */
const listsAtOnce = fixedConcurrency(16);

/**
 * Finds the images that the configuration names now: the repositories of its rules, and the tags in
 * them that each rule selects.
 *
 * @throws Error when the signal ends
 */
export async function findImages(
  config: Config,
  upstreams: Upstreams,
  target: Places,
  explain: Explain,
  signal: AbortSignal,
  told: ListsTold = () => {},
): Promise<FoundImages> {
  try {
    return await find(config, upstreams, target, { explain, signal, told });
  } catch (error) {
    if (!signal.aborted && !(error instanceof InterruptedError)) throw error;
    throw new Error('interrupted; nothing was copied', { cause: error });
  }
}

async function find(
  config: Config,
  upstreams: Upstreams,
  target: Places,
  { explain, signal, told }: { explain: Explain; signal: AbortSignal; told: ListsTold },
): Promise<FoundImages> {
  const found = await Promise.all(
    config.upstreams.map((upstream) =>
      findRepositories(upstream, clientOf(upstreams, upstream), explain, signal),
    ),
  );
  const repositories = found.flatMap((each) => each.repositories);
  const failures = found.flatMap((each) => each.failures);
  const notes = found.flatMap((each) => each.notes);
  let listed = 0;
  const list = async ({ upstream, repository }: FoundRepository): Promise<ListedTag[]> => {
    const tags: ListedTag[] = [];
    const all = clientOf(upstreams, upstream).listTagsWithDigests(repository, { signal });
    for await (const tag of all) tags.push(tag);
    return tags;
  };
  const outcomes = await sideBySide<FoundRepository, ListedTag[]>(
    repositories,
    async (each) => {
      const result = await list(each).catch((error: unknown) => {
        signal.throwIfAborted();
        throw explain(error);
      });
      return { outcome: 'done', result };
    },
    {
      parallel: listsAtOnce,
      signal,
      // A repository that must not be read says nothing of the others.
      groupOf: ({ upstream, repository }) => {
        const name = `${upstream.registry}/${repository}`;
        return { registry: name, repository: name };
      },
      told() {
        listed += 1;
        told(listed, repositories.length);
      },
    },
  );
  const read: FoundImages['repositories'] = [];
  const images = outcomes.flatMap((outcome, index): SyncImage[] => {
    const each = repositories[index];
    if (each === undefined) return [];
    if (outcome.outcome === 'failed') failures.push({ ...each, error: outcome.error });
    if (outcome.outcome !== 'done') return [];
    const digests = new Map(outcome.result.map(({ tag, digest }) => [tag, digest]));
    const selected = selectTags(each.rule, [...digests.keys()]);
    read.push({ ...each, tags: digests.size });
    const name = `${each.upstream.registry}/${each.repository}`;
    if (selected.length === 0)
      notes.push(`${name} has ${counted(digests.size, 'tag')}, and its rule selects none`);
    return selected.map((tag) => imageOf(each, { tag, digest: digests.get(tag) }, target));
  });
  return { images, repositories: read, failures, notes };
}

function imageOf(
  { upstream, rule, repository }: FoundRepository,
  { tag, digest }: ListedTag,
  target: Places,
): SyncImage {
  const src = { registry: upstream.registry, repository, tag };
  const dst = { ...target.repositoryFor(upstream.registry, repository), tag };
  return { upstream, rule, tag, src, dst, ...(digest !== undefined && { sourceDigest: digest }) };
}

/** The client of an upstream. */
export function clientOf(upstreams: Upstreams, { registry }: Upstream) {
  const client = upstreams.get(registry);
  if (client === undefined) throw new Error(`no client was opened for ${registry}`);
  return client;
}
