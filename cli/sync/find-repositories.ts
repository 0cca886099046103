import type { RepositoryRule, Upstream } from '../../core/config/config.ts';
import { ruleSelector } from '../../core/policy/select-image.ts';
import { isLiteral, isNotOffered } from '../../core/reconcile/coverage.ts';
import type { RegistryClient } from '../../core/registry/client.ts';
import type { Failure } from '../copy/explain.ts';
import type { Explain } from './explain.ts';

/** A repository that a rule names. */
export interface FoundRepository {
  upstream: Upstream;
  rule: RepositoryRule;
  repository: string;
}

/** A rule, or a repository of it, whose images could not be found. */
export interface NotFound {
  upstream: Upstream;
  rule: RepositoryRule;
  /** Absent: the rule as a whole. */
  repository?: string;
  error: Failure;
}

/** What an upstream's rules name. */
export interface FoundRepositories {
  repositories: FoundRepository[];
  failures: NotFound[];
  /** What is worth knowing although nothing failed. */
  notes: string[];
}

/**
 * Finds the repositories that an upstream's rules name: literal names as they are, and what its
 * list of repositories has for patterns. It is asked for that list only if there is a pattern.
 *
 * @throws the signal's reason
 */
export async function findRepositories(
  upstream: Upstream,
  client: Pick<RegistryClient, 'listRepositories'>,
  explain: Explain,
  signal: AbortSignal,
): Promise<FoundRepositories> {
  const failures: NotFound[] = [];
  const { repositories: rules } = upstream;
  const patterns = rules.filter((rule) => !isLiteral(rule));
  const names = new Set(rules.filter(isLiteral).map(({ match }) => match));
  const ruleOf = ruleSelector(upstream);
  const notes: string[] = [];
  if (patterns.length > 0) {
    try {
      for await (const name of client.listRepositories({ signal })) if (ruleOf(name)) names.add(name);
      const used = new Set([...names].map(ruleOf));
      for (const rule of patterns) {
        if (!used.has(rule)) notes.push(`${upstream.registry} lists no repository for ${rule.match}`);
      }
    } catch (error) {
      signal.throwIfAborted();
      failures.push(
        ...patterns.map((rule) => ({ upstream, rule, error: unlisted(upstream, rule, error, explain) })),
      );
    }
  }
  const found = [...names].flatMap((repository): FoundRepository[] => {
    const rule = ruleOf(repository);
    return rule === undefined ? [] : [{ upstream, rule, repository }];
  });
  return { repositories: found, failures, notes };
}

/** What a refused list means for a rule; any other failure is its own explanation. */
function unlisted(
  { registry }: Upstream,
  { match }: RepositoryRule,
  cause: unknown,
  explain: Explain,
): Failure {
  if (!isNotOffered(cause)) return explain(cause).failure;
  return {
    code: 'CATALOG_REFUSED',
    side: 'upstream',
    operation: 'list repositories',
    message: `${registry} does not list its repositories: write their names in match instead of ${match}`,
    remedy: `${cause.reason} (${cause.code}); some registries list them for an administrator’s login`,
  };
}
