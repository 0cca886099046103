/**
 * A scope of a token: `repository:library/nginx:pull,push`.
 * https://distribution.github.io/distribution/spec/auth/scope/
 */
export type Scope = string;

/** What may be done with a repository. */
export function repositoryScope(repository: string, ...actions: ('pull' | 'push' | 'delete')[]): Scope {
  return `repository:${repository}:${actions.join(',')}`;
}

/**
 * The scope to list a registry's repositories.
 * https://distribution.github.io/distribution/spec/auth/scope/#resource-types
 */
export const catalogScope: Scope = 'registry:catalog:*';

/**
 * The scopes of both lists, merged into one per resource with all actions. Those of the first list
 * come first, since some token services read only the first (as go-containerregistry found). A
 * scope without the form `type:name:actions` (ECR's `aws`, Gitea's `*`) stays as it is.
 */
export function mergeScopes(first: readonly Scope[], second: readonly Scope[]): Scope[] {
  const resources = new Map<string, Set<string>>();
  for (const scope of [...first, ...second]) {
    // The name itself may contain colons (a host with its port).
    const colon = scope.lastIndexOf(':');
    const structured = colon > scope.indexOf(':');
    const resource = structured ? scope.slice(0, colon) : scope;
    const actions = resources.get(resource) ?? new Set();
    resources.set(resource, actions);
    if (structured) for (const action of scope.slice(colon + 1).split(',')) actions.add(action);
  }
  return [...resources].map(([resource, actions]) =>
    actions.size === 0 ? resource : `${resource}:${[...actions].sort().join(',')}`,
  );
}

/** The scopes of a challenge's `scope` parameter, which RFC 6749, 3.3 separates by spaces. */
export function splitScopes(parameter: string | undefined): Scope[] {
  return (parameter ?? '').split(' ').filter((scope) => scope !== '');
}
