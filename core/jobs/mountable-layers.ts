import type { Config } from '../config/config.ts';
import type { LayerIndex } from '../copy/blob/layer-index.ts';
import { mirrorRepository } from '../policy/mirror-repository.ts';

/**
 * The layer index as an image of one upstream may use it: with the repositories of the same
 * upstream, and of upstreams that anybody can read (that have no credentials).
 *
 * A mount needs no more than a digest, which is no secret. Without this, whoever may push to one
 * upstream could name a layer of another one's private image in a manifest, and the mirror would
 * hand it out. Within an upstream the registry itself sees to that: it takes no manifest whose
 * blobs the repository lacks.
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

/** What the names of all mirror repositories of an upstream begin with. */
function folderOf(config: Config, registry: string): string {
  const prefix = `${config.mirror.repositoryPrefix}/`;
  const [folder = ''] = mirrorRepository(config, registry, 'any').slice(prefix.length).split('/');
  return `${prefix}${folder}/`;
}
