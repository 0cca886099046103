import type { FindMapping } from '../../core/discover/coverage.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import { mirrorHosts, openMappingFile, resolveAll } from '../mapping/find-mappings.ts';
import type { DiscoverFlags } from './flags.ts';

/** What is known of the mirror, from a file or from the API. */
export interface MirrorAccess {
  /** Its registries. */
  hosts: ReadonlySet<string>;
  /** Looks images up, all at once. */
  lookUp(images: readonly string[]): Promise<FindMapping>;
}

/**
 * Opens what `--mapping` or `--api` names.
 *
 * @returns undefined if neither is given
 * @throws CommandError, UsageError, RequestError
 */
export async function openMirror(flags: DiscoverFlags): Promise<MirrorAccess | undefined> {
  const { mapping, region, check } = flags;
  if (mapping !== undefined) {
    const { list, mappings } = openMappingFile(mapping, undefined);
    return {
      hosts: new Set(mappings.flatMap(mirrorHosts)),
      lookUp: async () => (image) => list.find(image),
    };
  }
  // The address may come from the environment, and only --check has a question for it.
  if (check === undefined || !flags.api) return undefined;
  const api = new DrayageApi(apiAddress(flags));
  const { registries } = await api.status();
  return {
    hosts: new Set(Object.values(registries)),
    async lookUp(images) {
      const found = await resolveAll(api, images, region);
      return (image) => found.get(image);
    },
  };
}
