import {
  formatImageKey,
  type ImageKey,
  imageKey,
  isDigestKey,
  type Mapping,
} from '../../core/mapping/record.ts';
import { parseReference } from '../../core/oci/reference.ts';

/** Where an image is in the mirror. */
export interface MirrorPlace {
  mirror: string;
  pinned: string;
}

/** The images of an upstream repository. */
interface Repository {
  /** `host/repository` in the mirror. */
  name: string;
  /** Tag or digest → the digest in the mirror. */
  digests: Map<string, string>;
}

/**
 * What `MappingList` answers, in a tenth of its memory: a server keeps a hundred thousand mappings,
 * and twice as many while it takes new ones. The names of repositories are stored once, and an
 * image is a tag and a digest.
 */
export class CompactList {
  readonly #region: string | undefined;
  readonly #repositories = new Map<string, Repository>();
  /** What does not have that form: a mirror that does not keep upstream's tag. */
  readonly #others = new Map<string, MirrorPlace>();

  /** @param region whose mirror to use; by default, each mapping's own */
  constructor(region: string | undefined) {
    this.#region = region;
  }

  add(mapping: Pick<Mapping, 'image' | 'mirror' | 'pinned' | 'digest' | 'regions'>): void {
    const region = this.#region;
    const place = region === undefined ? mapping : mapping.regions?.[region];
    if (place === undefined) return;
    const key = imageKey(parseReference(mapping.image));
    const { registry, repository } = parseReference(place.mirror);
    const name = `${registry}/${repository}`;
    const computed = `${name}@${place.digest}`;
    const pinned = region === undefined ? mapping.pinned : computed;
    this.#set(key, name, { digest: place.digest, mirror: place.mirror, pinned });
    // What a tag points to can be asked for by digest, unless it is listed in its own right.
    // Another region may still hold an older image, which this digest is not.
    const implied = { ...key, reference: place.digest };
    if (isDigestKey(key) || place.digest !== mapping.digest || this.#get(implied)) return;
    this.#set(implied, name, { digest: place.digest, mirror: computed, pinned: computed });
  }

  /**
   * @param image a reference in any spelling
   * @returns undefined if it is not in the list
   */
  find(image: string): MirrorPlace | undefined {
    return this.#get(imageKey(parseReference(image)));
  }

  #get(key: ImageKey): MirrorPlace | undefined {
    const other = this.#others.get(formatImageKey(key));
    if (other) return other;
    const repository = this.#repositories.get(repositoryOf(key));
    const digest = repository?.digests.get(key.reference);
    return repository === undefined || digest === undefined ? undefined : usual(key, repository.name, digest);
  }

  #set(key: ImageKey, name: string, { digest, ...place }: MirrorPlace & { digest: string }): void {
    const repository = this.#repositories.get(repositoryOf(key)) ?? { name, digests: new Map() };
    this.#repositories.set(repositoryOf(key), repository);
    const { mirror, pinned } = usual(key, repository.name, digest);
    if (mirror === place.mirror && pinned === place.pinned) {
      repository.digests.set(key.reference, digest);
      this.#others.delete(formatImageKey(key));
    } else this.#others.set(formatImageKey(key), place);
  }
}

/** Where an image is, in a mirror that keeps the upstream's tags. */
function usual(key: ImageKey, name: string, digest: string): MirrorPlace {
  const pinned = `${name}@${digest}`;
  return { mirror: isDigestKey(key) ? pinned : `${name}:${key.reference}`, pinned };
}

function repositoryOf({ registry, repository }: ImageKey): string {
  return `${registry}/${repository}`;
}
