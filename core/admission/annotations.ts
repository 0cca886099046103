import { originalImagePrefix } from '../mapping/original-image.ts';
import { jsonPointer, type PatchOperation } from './json-patch.ts';
import { fieldOf, objectOf } from './json-value.ts';

/**
 * What the apiserver accepts: TotalAnnotationSizeLimitB in
 * https://github.com/kubernetes/apimachinery/blob/master/pkg/api/validation/objectmeta.go
 */
const mostBytes = 256 * 1024;

/** The operations that annotate an object with the original image of each container. */
export function annotateOriginals(object: unknown, originals: ReadonlyMap<string, string>): PatchOperation[] {
  const metadata = objectOf(fieldOf(object, 'metadata'));
  const present = fieldOf(metadata, 'annotations') ?? {};
  const before = objectOf(present);
  if (metadata === undefined || before === undefined) return [];
  const added = Object.fromEntries(
    // Another name would make the apiserver refuse the annotation rather than the name.
    [...originals]
      .filter(([name]) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
      .map(([name, image]) => [originalImagePrefix + name, image]),
  );
  const changed = Object.entries(added).filter(([key, image]) => fieldOf(before, key) !== image);
  // Annotations inform: a Pod must not be refused because of them.
  if (changed.length === 0 || bytesOf({ ...before, ...added }) > mostBytes) return [];
  if (Object.keys(before).length === 0)
    return [{ op: 'add', path: jsonPointer('metadata', 'annotations'), value: Object.fromEntries(changed) }];
  return changed.map(([key, value]) => ({
    op: 'add',
    path: jsonPointer('metadata', 'annotations', key),
    value,
  }));
}

function bytesOf(annotations: Readonly<Record<string, unknown>>): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(String(value));
  return bytes;
}
