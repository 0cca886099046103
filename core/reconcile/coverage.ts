import type { RepositoryRule, Upstream } from '../config/config.ts';
import { ruleSelector } from '../policy/select-image.ts';
import { RegistryError } from '../registry/errors.ts';

/** The repositories that an upstream's rules cover, as far as anybody knows them. */
export interface Coverage {
  repositories: { repository: string; rule: RepositoryRule }[];
  /** Why the upstream's own list is missing or incomplete. */
  unlisted?: unknown;
}

/** Where the names of repositories come from. */
export interface NameSources {
  /** Repositories that are known anyway: those with mappings. */
  known(): AsyncIterable<string>;
  /** The upstream's own list. */
  listed(): AsyncIterable<string>;
}

/** Whether a rule names one repository. */
export function isLiteral({ match }: RepositoryRule): boolean {
  return !/[*?]/.test(match);
}

/**
 * Finds the repositories that an upstream's rules cover: literal names as they are, and for
 * patterns what is known and what the upstream lists. The upstream is asked for its list only if
 * there is a pattern.
 *
 * @throws what reading the known names throws
 */
export async function coveredRepositories(upstream: Upstream, sources: NameSources): Promise<Coverage> {
  const { repositories: rules } = upstream;
  const ruleOf = ruleSelector(upstream);
  const names = new Set(rules.filter(isLiteral).map(({ match }) => match));
  const addMatching = async (source: AsyncIterable<string>) => {
    for await (const name of source) if (ruleOf(name)) names.add(name);
  };
  let unlisted: unknown;
  if (rules.some((rule) => !isLiteral(rule))) {
    await addMatching(sources.known());
    try {
      await addMatching(sources.listed());
    } catch (error) {
      unlisted = error;
    }
  }
  const repositories = [...names].sort().flatMap((repository) => {
    const rule = ruleOf(repository);
    return rule === undefined ? [] : [{ repository, rule }];
  });
  return { repositories, ...(unlisted !== undefined && { unlisted }) };
}

/**
 * Whether a registry offers no list of its repositories: those answer with an error, or with a web
 * page.
 */
export function isNotOffered(error: unknown): error is RegistryError {
  if (!(error instanceof RegistryError) || error.temporary || error.status === undefined) return false;
  return error.status >= 400 || error.code === 'ANSWER_INVALID';
}
