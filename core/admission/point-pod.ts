import { formatReference, InvalidReferenceError, parseReference } from '../oci/reference.ts';
import type { KnownImages, MirrorChoice } from '../rewrite/point-to-mirror.ts';
import { annotateOriginals } from './annotations.ts';
import type { PatchOperation } from './json-patch.ts';
import type { PodImage } from './pod-images.ts';

/** What becomes of the images of a request. */
export interface PointedPod {
  patch: PatchOperation[];
  /** How many references change. */
  changed: number;
  /** Those that have no mapping. */
  missing: PodImage[];
  /** Those that are not image references, with what is wrong. */
  invalid: { image: PodImage; reason: string }[];
}

/** The references that can be looked up, each once. */
export function referencesIn(images: readonly PodImage[]): string[] {
  return [...new Set(images.map(({ image }) => image))].filter((image) => reasonAgainst(image) === undefined);
}

/**
 * The patch after which a Pod's references name the mirror, where it has their images. They become
 * what `drayage rewrite` makes of them.
 *
 * @param object the Pod, as it is before
 */
export function pointPod(
  object: unknown,
  images: readonly PodImage[],
  known: KnownImages,
  { tags = false }: Pick<MirrorChoice, 'tags'> = {},
): PointedPod {
  const pointed: PointedPod = { patch: [], changed: 0, missing: [], invalid: [] };
  const originals = new Map<string, string>();
  for (const image of images) {
    const reason = reasonAgainst(image.image);
    if (reason !== undefined) {
      pointed.invalid.push({ image, reason });
      continue;
    }
    const mapping = known.mapping(image.image);
    if (mapping === undefined) {
      if (!known.isMirror(parseReference(image.image).registry)) pointed.missing.push(image);
      continue;
    }
    const value = formatReference(parseReference(tags ? mapping.mirror : mapping.pinned));
    if (value === image.image) continue;
    pointed.changed += 1;
    pointed.patch.push({ op: 'replace', path: image.path, value });
    if (image.annotated !== undefined) originals.set(image.annotated, image.image);
  }
  pointed.patch.push(...annotateOriginals(object, originals));
  return pointed;
}

function reasonAgainst(image: string): string | undefined {
  try {
    parseReference(image);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidReferenceError) return error.reason;
    throw error;
  }
}
