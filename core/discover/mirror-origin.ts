import type { Config } from '../config/config.ts';
import type { Reference } from '../oci/reference.ts';
import { mirrorRepository } from '../policy/mirror-repository.ts';
import { ecrHostOf } from '../registry/known-registries.ts';

/** How references to the mirror are told from others. */
export interface MirrorNames {
  /** `mirror.repositoryPrefix` */
  prefix: string;
  /** Registries that are the mirror, besides those of Amazon ECR. */
  hosts?: ReadonlySet<string>;
}

/** The beginning of a mirror repository’s name after the prefix: a registry. */
const registryLike = /^(?:[^/]*\.[^/]*|[^/]+_\d+|localhost)\/./;

/** Whether a reference names an image of the mirror. */
export function isOfMirror({ registry, repository }: Reference, { prefix, hosts }: MirrorNames): boolean {
  if (!repository.startsWith(`${prefix}/`)) return false;
  if (hosts?.has(registry)) return true;
  return ecrHostOf(registry) !== undefined && registryLike.test(repository.slice(prefix.length + 1));
}

/**
 * The upstream image that a reference to the mirror is a copy of. Names that ECR does not take were
 * replaced by ones that do not tell (`mirrorRepository`): for these it is undefined.
 */
export function upstreamOf(reference: Reference, { prefix }: MirrorNames): Reference | undefined {
  const name = reference.repository.slice(prefix.length + 1);
  if (!registryLike.test(name)) return undefined;
  const [host = '', ...path] = name.split('/');
  const [registry, repository] = [host.replace(/_(\d+)$/, ':$1'), path.join('/')];
  const config = { mirror: { repositoryPrefix: prefix } } as Config;
  if (mirrorRepository(config, registry, repository) !== reference.repository) return undefined;
  const { tag, digest } = reference;
  return { registry, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}
