import type { Config, Upstream } from '../../config/config.ts';
import { mirrorRepository } from '../../policy/mirror-repository.ts';
import type { ReconcileDependencies } from '../ports.ts';

/** Pages of jobs that are read at most, newest first, and jobs in a page. */
const mostPages = 20;
const pageSize = 500;

/**
 * The repositories of an upstream that are known without its list: those that had a mapping, those
 * that the mirror has, and those of jobs that have not mirrored anything yet. A repository may come
 * several times.
 */
export async function* knownRepositories(
  { registry }: Upstream,
  deps: Pick<ReconcileDependencies, 'config' | 'mappings' | 'jobs' | 'mirrorRepositories' | 'warn'>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  yield* deps.mappings.repositoriesOf(registry);
  yield* repositoriesOfJobs(registry, deps);
  try {
    for await (const name of deps.mirrorRepositories(deps.config.mirror.repositoryPrefix, signal)) {
      const repository = upstreamName(deps.config, registry, name);
      if (repository !== undefined) yield repository;
    }
  } catch (error) {
    signal.throwIfAborted();
    deps.warn('the repositories of the mirror could not be listed', error);
  }
}

/**
 * Which repository of an upstream a mirror repository is for, by its name alone; undefined if it is
 * another upstream's, or if its name had to be converted, so that only a mapping can tell.
 */
export function upstreamName(config: Config, registry: string, name: string): string | undefined {
  const place = mirrorRepository(config, registry, 'x').slice(0, -1);
  if (!name.startsWith(place)) return undefined;
  const repository = name.slice(place.length);
  return mirrorRepository(config, registry, repository) === name ? repository : undefined;
}

/** Jobs that are not finished, or failed: the others have left a mapping. */
async function* repositoriesOfJobs(
  registry: string,
  { jobs }: Pick<ReconcileDependencies, 'jobs'>,
): AsyncGenerator<string> {
  let cursor: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const found = await jobs.list({
      states: ['failed', 'waiting', 'queued', 'copying'],
      limit: pageSize,
      ...(cursor !== undefined && { cursor }),
    });
    for (const { key } of found.jobs) if (key.registry === registry) yield key.repository;
    cursor = found.cursor;
    if (cursor === undefined) return;
  }
}
