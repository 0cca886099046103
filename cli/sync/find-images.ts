import { fixedConcurrency } from '../../core/async/concurrency.ts';
import type { Config, RepositoryRule, Upstream } from '../../core/config/config.ts';
import { selectTags } from '../../core/policy/select-tags.ts';
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
}

/** What the configuration names. */
export interface FoundImages {
  images: SyncImage[];
  failures: NotFound[];
  notes: string[];
}

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
  target: SyncTarget,
  explain: Explain,
  signal: AbortSignal,
): Promise<FoundImages> {
  try {
    return await find(config, upstreams, target, explain, signal);
  } catch (error) {
    if (!signal.aborted && !(error instanceof InterruptedError)) throw error;
    throw new Error('interrupted; nothing was copied', { cause: error });
  }
}

async function find(
  config: Config,
  upstreams: Upstreams,
  target: SyncTarget,
  explain: Explain,
  signal: AbortSignal,
): Promise<FoundImages> {
  const found = await Promise.all(
    config.upstreams.map((upstream) =>
      findRepositories(upstream, clientOf(upstreams, upstream), explain, signal),
    ),
  );
  const repositories = found.flatMap((each) => each.repositories);
  const failures = found.flatMap((each) => each.failures);
  const notes = found.flatMap((each) => each.notes);
  const list = async ({ upstream, repository }: FoundRepository): Promise<string[]> => {
    const tags: string[] = [];
    for await (const tag of clientOf(upstreams, upstream).listTags(repository, { signal })) tags.push(tag);
    return tags;
  };
  const outcomes = await sideBySide<FoundRepository, string[]>(
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
      told() {},
    },
  );
  const images = outcomes.flatMap((outcome, index): SyncImage[] => {
    const each = repositories[index];
    if (each === undefined) return [];
    if (outcome.outcome === 'failed') failures.push({ ...each, error: outcome.error });
    if (outcome.outcome !== 'done') return [];
    const selected = selectTags(each.rule, outcome.result);
    const name = `${each.upstream.registry}/${each.repository}`;
    if (selected.length === 0)
      notes.push(`${name} has ${counted(outcome.result.length, 'tag')}, and its rule selects none`);
    return selected.map((tag) => imageOf(each, tag, target));
  });
  return { images, failures, notes };
}

function imageOf(
  { upstream, rule, repository }: FoundRepository,
  tag: string,
  target: SyncTarget,
): SyncImage {
  const src = { registry: upstream.registry, repository, tag };
  return { upstream, rule, tag, src, dst: { ...target.repositoryFor(upstream.registry, repository), tag } };
}

/** The client of an upstream. */
export function clientOf(upstreams: Upstreams, { registry }: Upstream) {
  const client = upstreams.get(registry);
  if (client === undefined) throw new Error(`no client was opened for ${registry}`);
  return client;
}
