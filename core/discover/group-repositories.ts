/** A pattern, and the repositories that it stands for. */
export interface RepositoryGroup {
  match: string;
  repositories: string[];
}

/** From this many repositories on, an owner gets one rule for all. */
const mostOfOwner = 100;
/** More rules make a file that nobody reads, and that is too large to be read by programs. */
const mostRules = 1_000;

/**
 * The `match` patterns for repositories of one registry: each by its name, unless there are so many
 * that they are generated, such as one for each branch or customer. The first component, the owner,
 * then stands for all of them; and if there are too many owners, one rule for everything.
 *
 * @param registries how many registries share the file
 */
export function groupRepositories(
  registry: string,
  repositories: readonly string[],
  registries = 1,
): RepositoryGroup[] {
  const owners = Map.groupBy(repositories.toSorted(), (repository) => repository.split('/')[0] ?? '');
  const groups = [...owners].flatMap(([owner, of]): RepositoryGroup[] =>
    of.length > mostOfOwner && of.every((repository) => repository.includes('/'))
      ? [{ match: pattern(registry, `${owner}/**`), repositories: of }]
      : of.map((repository) => ({ match: pattern(registry, repository), repositories: [repository] })),
  );
  const most = Math.max(1, Math.floor(mostRules / registries));
  return groups.length <= most ? groups : [{ match: '**', repositories: [...repositories] }];
}

/** A repository that begins like its registry would be taken for a mistake. */
function pattern(registry: string, match: string): string {
  return match.startsWith(`${registry}/`)
    ? `${registry.slice(0, -1)}?${match.slice(registry.length)}`
    : match;
}
