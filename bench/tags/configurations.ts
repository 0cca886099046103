/** What is copied, as files tell it that programs are given. YAML reads JSON. */
interface Copy {
  from: string;
  to: string;
  repositories: string[];
}

/** Below which name the mirror has all repositories. */
export const prefix = 'mirror';
/** The upstream's name, whatever port it has. */
export const registryName = 'registry.example';

/** Where `drayage sync` puts a repository, and the pipeline, too. */
export function mirroredName(repository: string): string {
  return `${prefix}/${registryName}/${repository}`;
}

/**
 * mirror.yaml, with a webhook as GitHub's, and without referrers, which the peers leave out, too.
 */
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
 * Of regsync: `parallel` is how many copies of images go at once, of as many repositories, since
 * it takes the tags of one repository one after the other. `reqConcurrent` is how many requests a
 * registry gets at once (3 by default).
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

/** Of `skopeo sync --src yaml`: no tag is named, so all are copied. */
export function skopeoFile({ from, repositories }: Omit<Copy, 'to'>): object {
  const images = Object.fromEntries(repositories.map((name) => [name, []]));
  return { [from]: { 'tls-verify': false, images } };
}
