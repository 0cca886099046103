/**
 * Docker Hub's names: https://github.com/docker/cli, `registry.IndexServer`, and what its API and
 * Podman call it.
 */
const dockerHub: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** The path that Docker itself puts behind a host; it means the whole registry. */
const apiPath = /^v[12]$/;

/**
 * What a path in a key means: the whole host, as Docker reads it, or only the repositories below
 * it, as Podman does.
 */
export type KeyPaths = 'host' | 'below';

/**
 * The key of a repository's entry in a login file. Keys are written in many ways: `ghcr.io`,
 * `https://ghcr.io`, `https://index.docker.io/v1/`, and `quay.io/acme` for the repositories below
 * it. The longest path wins.
 *
 * @param paths what other paths mean. `host`: the host, but with less weight than the host alone
 */
export function findKey(
  keys: Iterable<string>,
  { registry, repository }: { registry: string; repository: string },
  paths: KeyPaths,
): string | undefined {
  const wanted = hostName(registry);
  let best: { key: string; weight: number } | undefined;
  for (const key of keys) {
    const { host, path } = splitKey(key);
    if (host !== wanted) continue;
    const weight = weigh(path, repository, paths);
    if (weight !== undefined && (best === undefined || weight > best.weight)) best = { key, weight };
  }
  return best?.key;
}

/** The keys under which a credential helper may keep a registry's login, the usual one first. */
export function helperKeys(registry: string): string[] {
  const host = hostName(registry);
  return host === 'docker.io' ? ['https://index.docker.io/v1/', host] : [registry, `https://${registry}`];
}

function weigh(path: string, repository: string, paths: KeyPaths): number | undefined {
  if (path === '' || apiPath.test(path)) return 0;
  if (repository === path || repository.startsWith(`${path}/`)) return path.length;
  return paths === 'host' ? -1 : undefined;
}

function splitKey(key: string): { host: string; path: string } {
  const [host = '', ...path] = key.replace(/^https?:\/\//i, '').split('/');
  return { host: hostName(host), path: path.filter((part) => part !== '').join('/') };
}

/** Host names are case-insensitive. */
function hostName(host: string): string {
  const lower = host.toLowerCase();
  return dockerHub.has(lower) ? 'docker.io' : lower;
}
