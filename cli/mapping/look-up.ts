import {
  formatImageKey,
  type ImageKey,
  imageKey,
  isDigestKey,
  type Mapping,
} from '../../core/mapping/record.ts';
import { formatReference, parseReference } from '../../core/oci/reference.ts';

/**
 * Looks references up in a list of mappings, as the API does: by tag, or by digest if there is one,
 * in which case the answer has that digest.
 *
 * @param region whose mirror to use; by default, the mapping's own
 */
export class MappingList {
  readonly #byImage: ReadonlyMap<string, Mapping>;
  readonly #region: string | undefined;

  constructor(mappings: readonly Mapping[], region?: string) {
    this.#region = region;
    const byImage = new Map<string, Mapping>();
    for (const mapping of mappings) {
      const key = imageKey(parseReference(mapping.image));
      byImage.set(formatImageKey(key), mapping);
      // What a tag points to can be asked for by digest, unless it is listed in its own right.
      const digest = formatImageKey({ ...key, reference: mapping.digest });
      if (!byImage.has(digest)) byImage.set(digest, byDigest(key, mapping));
    }
    this.#byImage = byImage;
  }

  /** @param image a reference in any spelling; @returns undefined if it is not in the list */
  find(image: string): Mapping | undefined {
    const mapping = this.#byImage.get(formatImageKey(imageKey(parseReference(image))));
    if (mapping === undefined || this.#region === undefined) return mapping;
    const place = mapping.regions?.[this.#region];
    return place && { ...mapping, ...place, pinned: pinnedOf(place.mirror, place.digest) };
  }
}

function byDigest(key: ImageKey, mapping: Mapping): Mapping {
  if (isDigestKey(key)) return mapping;
  const { digest, regions = {} } = mapping;
  const pinned = pinnedOf(mapping.mirror, digest);
  // Another region may still hold an older image, which this digest is not.
  const same = Object.entries(regions).filter(([, place]) => place.digest === digest);
  return {
    ...mapping,
    image: formatImageKey({ ...key, reference: digest }),
    mirror: pinned,
    pinned,
    sourceDigest: digest,
    pin: false,
    regions: Object.fromEntries(
      same.map(([name, place]) => [name, { ...place, mirror: pinnedOf(place.mirror, digest) }]),
    ),
  };
}

function pinnedOf(mirror: string, digest: Mapping['digest']): string {
  const { registry, repository } = parseReference(mirror);
  return formatReference({ registry, repository, digest });
}
