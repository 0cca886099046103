import type { Config } from '../config/config.ts';
import type { LayerIndex } from '../copy/blob/layer-index.ts';
import { mirrorRepository } from '../policy/mirror-repository.ts';

/**
 * The layer index as an image of one upstream may use it: restricted to repositories of the same
 * upstream, and of upstreams that anyone can read (that have no credentials).
 *
 * A mount needs only a digest, which is not a secret. Without this restriction, anyone who may push
 * to one upstream could name a layer of another one's private image in a manifest, and the mirror
 * would serve it. Within an upstream, the registry itself prevents that: it accepts no manifest
 * whose blobs the repository lacks.
 *
 * @param registry the image's upstream
 */
export function mountableLayers(index: LayerIndex, config: Config, registry: string): LayerIndex {
  const isMountable = mountablePlaces(config, registry);
  return {
    async find(digests, options) {
      const found = await index.find(digests, options);
      return new Map(
        [...found].flatMap(([digest, repositories]) => {
          const mountable = repositories.filter(isMountable);
          return mountable.length > 0 ? [[digest, mountable]] : [];
        }),
      );
    },
    add: (repository, digests) => index.add(repository, digests),
    drop: (repository, digest) => index.drop(repository, digest),
  };
}

/**
 * Whether an image of an upstream may mount layers from a repository of the mirror: see {@link
 * mountableLayers}.
 */
export function mountablePlaces(config: Config, registry: string): (repository: string) => boolean {
  const open = config.upstreams.filter((upstream) => upstream.credentials === undefined);
  const folders = [registry, ...open.map((upstream) => upstream.registry)].map((each) =>
    folderOf(config, each),
  );
  return (repository) => folders.some((folder) => repository.startsWith(folder));
}

/** The common prefix of all mirror repositories of an upstream. */
function folderOf(config: Config, registry: string): string {
  const prefix = `${config.mirror.repositoryPrefix}/`;
  const [folder = ''] = mirrorRepository(config, registry, 'any').slice(prefix.length).split('/');
  return `${prefix}${folder}/`;
}
