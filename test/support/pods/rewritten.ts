import { MappingList } from '../../../cli/mapping/look-up.ts';
import type { Mapping } from '../../../core/mapping/record.ts';
import { rewrite } from '../../../core/rewrite/edits.ts';
import { findImages } from '../../../core/rewrite/find-images.ts';
import { pointToMirror } from '../../../core/rewrite/point-to-mirror.ts';

/**
 * What `drayage rewrite --mapping FILE` makes of a Kubernetes object, as text: the same text, with
 * other references.
 */
export function rewrittenText(text: string, mappings: readonly Mapping[]): string {
  const list = new MappingList(mappings);
  const known = { mapping: (image: string) => list.find(image), isMirror: () => false };
  return rewrite(text, pointToMirror(findImages(text, 'kubernetes'), known).edits);
}

/** The same for an object. */
export function rewritten<T>(object: T, mappings: readonly Mapping[]): T {
  return JSON.parse(rewrittenText(JSON.stringify(object), mappings)) as T;
}
