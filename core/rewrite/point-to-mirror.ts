import type { Mapping } from '../mapping/record.ts';
import { parseReference } from '../oci/reference.ts';
import type { Edit } from './edits.ts';
import type { Found, FoundImage } from './found.ts';

/** How references to the mirror look. */
export interface MirrorChoice {
  /** By the mirror’s tag; by default they are by digest. */
  tags?: boolean;
  /** Also relax the pull policies that Kubernetes filled in for the tag `latest`. */
  pullPolicy?: boolean;
}

/** What becomes of the references in a text. */
export interface Pointed {
  edits: Edit[];
  /** Each reference that changes, with what it becomes. */
  changed: { image: FoundImage; to: string }[];
  /** Those that have no mapping. */
  missing: FoundImage[];
}

/** What is known of images, by how they are written. */
export interface KnownImages {
  mapping(image: string): Pick<Mapping, 'mirror' | 'pinned'> | undefined;
  /** Whether a registry is the mirror itself; references to it stay, and miss nothing. */
  isMirror(registry: string): boolean;
}

/** The edits after which the references in a text name the mirror, where it has their images. */
export function pointToMirror(
  { images }: Pick<Found, 'images'>,
  known: KnownImages,
  choice: MirrorChoice = {},
): Pointed {
  const pointed: Pointed = { edits: [], changed: [], missing: [] };
  for (const image of images) {
    const mapping = known.mapping(image.image);
    if (mapping === undefined) {
      if (!known.isMirror(parseReference(image.image).registry)) pointed.missing.push(image);
      continue;
    }
    const to = choice.tags ? mapping.mirror : mapping.pinned;
    const reference = parseReference(to);
    pointed.changed.push({ image, to });
    pointed.edits.push(...image.edits(reference));
    // By tag the policy would still be filled in as it is.
    if (choice.pullPolicy && image.pullPolicy && reference.digest !== undefined)
      pointed.edits.push(image.pullPolicy);
  }
  return pointed;
}
