import { inParallel } from '../../core/async/in-parallel.ts';
import type { Config } from '../../core/config/config.ts';
import type { PlanDestination } from '../../core/copy/plan.ts';
import type { CallOptions } from '../../core/copy/ports.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { mirrorRepository } from '../../core/policy/mirror-repository.ts';
import type { RegistryClient } from '../../core/registry/client.ts';
import { RegistryError } from '../../core/registry/errors.ts';
import { CommandError } from '../shared/command-error.ts';
import type { Places } from '../sync/find-images.ts';
import { openTarget, type SyncTarget } from '../sync/target.ts';
import type { PlanFlags } from './flags.ts';

/** The mirror that a plan compares with. */
export interface PlanMirror extends Places {
  /** Where everything is below: `registry/prefix`; absent: there is none to compare with. */
  to?: string;
  /** Why there is none. */
  unasked?: string;
  client?: RegistryClient;
}

/**
 * Opens the mirror. One in Amazon ECR that can't be reached is empty, as far as a plan knows:
 * plans are made before there is an account.
 *
 * @throws CommandError if the registry that `--to` names can't be used
 */
export async function openMirror(config: Config, flags: PlanFlags, signal: AbortSignal): Promise<PlanMirror> {
  let target: SyncTarget;
  try {
    target = await openTarget(config, flags, signal);
  } catch (error) {
    if (flags.to !== undefined || signal.aborted || !(error instanceof CommandError)) throw error;
    return {
      unasked: `${error.message}; so everything counts as missing. To compare with the mirror, set AWS credentials, or name it: --to REGISTRY/PREFIX`,
      repositoryFor: (registry, repository) => ({
        registry: 'mirror',
        repository: mirrorRepository(config, registry, repository),
      }),
    };
  }
  const { registry, prefix, client } = target;
  return {
    to: `${registry}/${prefix}`,
    client,
    repositoryFor: (...names) => target.repositoryFor(...names),
  };
}

/** The tags of a repository; undefined if there is no such repository. */
export async function tagsOf(
  client: RegistryClient,
  repository: string,
  signal: AbortSignal,
): Promise<Set<string> | undefined> {
  try {
    const tags = new Set<string>();
    for await (const tag of client.listTags(repository, { signal })) tags.add(tag);
    return tags;
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return undefined;
    throw error;
  }
}

/** Blobs that are asked for at once. */
const asksAtOnce = 16;

/** A repository of the mirror that is asked for each blob once. */
export class AskedRepository extends RegistryRepository {
  readonly #asked = new Map<Digest, Promise<Set<Digest>>>();

  override async presentBlobs(blobs: Descriptor[], options?: CallOptions): Promise<Set<Digest>> {
    const present = await inParallel(blobs, asksAtOnce, (blob) => this.#ask(blob, options), options?.signal);
    return new Set(present.flatMap((each) => [...each]));
  }

  #ask(blob: Descriptor, options?: CallOptions): Promise<Set<Digest>> {
    const asking = this.#asked.get(blob.digest) ?? super.presentBlobs([blob], options);
    this.#asked.set(blob.digest, asking);
    return asking;
  }
}

/** A repository that does not exist. */
export function noRepository(name: string): PlanDestination {
  return { name, presentBlobs: async () => new Set() };
}
