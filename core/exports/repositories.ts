import type { Mapping } from '../mapping/record.ts';
import { parseReference } from '../oci/reference.ts';
import { internalAddress } from '../registry/transport/addresses.ts';

/** The mappings of one upstream repository. */
export interface RepositoryMappings {
  /** As in image references: `docker.io`. */
  registry: string;
  /** Without the registry: `library/nginx`. */
  repository: string;
  images: MappedImage[];
}

/** What a tag or digest of a repository is in the mirror. */
export interface MappedImage {
  /** The upstream's tag, or its digest. */
  reference: string;
  isDigest: boolean;
  /** The digest that the mirror holds. */
  digest: string;
  /** The mirror's repository with its host: `mirror.example/mirror/docker.io/library/nginx`. */
  mirror: string;
}

/**
 * Gathers the mappings by repository. They come in the order of their repositories; only one
 * repository's are in memory at a time.
 */
export async function* byRepository(mappings: AsyncIterable<Mapping>): AsyncGenerator<RepositoryMappings> {
  let current: RepositoryMappings | undefined;
  for await (const mapping of mappings) {
    const { registry, repository, tag, digest } = parseReference(mapping.image);
    if (current && (current.registry !== registry || current.repository !== repository)) {
      yield current;
      current = undefined;
    }
    current ??= { registry, repository, images: [] };
    current.images.push({
      reference: digest ?? tag ?? 'latest',
      isDigest: digest !== undefined,
      digest: mapping.digest,
      mirror: mirrorRepositoryOf(mapping),
    });
  }
  if (current) yield current;
}

/** The mirror's repository, with its host and without tag and digest. */
export function mirrorRepositoryOf({ mirror }: Pick<Mapping, 'mirror'>): string {
  const { registry, repository } = parseReference(mirror);
  return `${registry}/${repository}`;
}

/** An upstream repository, and where the mirror has it. */
export interface MirroredRepository {
  /** `docker.io` */
  registry: string;
  /** `library/nginx` */
  repository: string;
  /** With the host; one for each region whose mirror is exported. */
  mirrors: string[];
}

/** Every repository once, with the mirror's, in their order. */
export async function repositoriesOf(mappings: AsyncIterable<Mapping>): Promise<MirroredRepository[]> {
  const found = new Map<string, MirroredRepository>();
  for await (const { registry, repository, images } of byRepository(mappings)) {
    const name = `${registry}/${repository}`;
    const entry = found.get(name) ?? { registry, repository, mirrors: [] };
    found.set(name, entry);
    entry.mirrors = [...new Set([...entry.mirrors, ...images.map(({ mirror }) => mirror)])];
  }
  return [...found.values()];
}

/** The host of a mirror's repository, with its port. */
export function hostOf(mirror: string): string {
  return mirror.slice(0, mirror.indexOf('/'));
}

/** Whether a registry is the one of `drayage local`, which speaks plain HTTP. */
export function isPlainHttp(host: string): boolean {
  return internalAddress(new URL(`http://${host}`).hostname) === 'loopback';
}
