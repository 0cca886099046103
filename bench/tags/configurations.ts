/** What to copy, for the configuration files of programs. YAML parsers read JSON. */
interface Copy {
  from: string;
  to: string;
  repositories: string[];
}

/** The name below which the mirror has all repositories. */
export const prefix = 'mirror';
/** The upstream's name, regardless of its port. */
export const registryName = 'registry.example';

/** Where `drayage sync` and the pipeline put a repository. */
export function mirroredName(repository: string): string {
  return `${prefix}/${registryName}/${repository}`;
}

/** mirror.yaml, with a webhook like GitHub's, and without referrers, as with the peers. */
export function mirrorFile({ from }: Pick<Copy, 'from'>): object {
  return {
    version: 1,
    mirror: { regions: ['eu-west-1'], repositoryPrefix: prefix },
    upstreams: [
      {
        registry: registryName,
        endpoint: `http://${from}`,
        webhook: { source: 'github' },
        repositories: [{ match: '**', referrers: false }],
      },
    ],
  };
}

/**
 * The file of regsync. `parallel` is how many images are copied at once, each from a different
 * repository, since regsync takes the tags of a repository one after the other. `reqConcurrent` is
 * how many requests a registry gets at once (3 by default).
 */
export function regsyncFile({ from, to, repositories }: Copy): object {
  return {
    version: 1,
    creds: [from, to].map((registry) => ({ registry, tls: 'disabled', reqConcurrent: 16 })),
    defaults: { parallel: 16 },
    sync: repositories.map((name) => ({
      source: `${from}/${name}`,
      target: `${to}/${name}`,
      type: 'repository',
    })),
  };
}

/** The file of `skopeo sync --src yaml`: no tag is named, so all are copied. */
export function skopeoFile({ from, repositories }: Omit<Copy, 'to'>): object {
  const images = Object.fromEntries(repositories.map((name) => [name, []]));
  return { [from]: { 'tls-verify': false, images } };
}
