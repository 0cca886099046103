import type { Mapping } from '../../core/mapping/record.ts';
import { parseReference } from '../../core/oci/reference.ts';
import type { KnownImages } from '../../core/rewrite/point-to-mirror.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import { mirrorHosts, openMappingFile, resolveAll } from '../mapping/find-mappings.ts';
import type { RewriteFlags } from './flags.ts';

/**
 * Looks images up, all at once: in the file of `--mapping`, or with one request to the API for each
 * thousand, and one more if any is missing.
 *
 * @throws CommandError, UsageError, RequestError
 */
export async function lookUp(images: readonly string[], flags: RewriteFlags): Promise<KnownImages> {
  if (flags.mapping !== undefined) {
    const { list, mappings } = openMappingFile(flags.mapping, flags.region);
    const hosts = new Set(mappings.flatMap(mirrorHosts));
    return { mapping: (image) => list.find(image), isMirror: (registry) => hosts.has(registry) };
  }
  const api = new DrayageApi(apiAddress(flags));
  const found =
    images.length === 0 ? new Map<string, Mapping>() : await resolveAll(api, images, flags.region);
  const hosts = new Set([...found.values()].flatMap(mirrorHosts));
  // What is not mapped may be in the mirror already: only the deployment knows all of its
  // addresses.
  if (images.some((image) => !found.has(image) && !hosts.has(parseReference(image).registry)))
    for (const host of Object.values((await api.status()).registries)) hosts.add(host);
  return { mapping: (image) => found.get(image), isMirror: (registry) => hosts.has(registry) };
}
