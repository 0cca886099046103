import { missingReferrers } from '../copy/image-referrers.ts';
import { failuresAlike, isOfRegistry } from '../copy/side-by-side.ts';
import { counted } from '../shared/format.ts';
import type { SyncReport } from './report.ts';

/**
 * What keeps a run from being a success, in lines: the images that failed, and what refers to
 * images and is missing.
 *
 * @param whole whether the reasons are shown, too; for people they stand in the table
 */
export function problemsOf({ images }: SyncReport, whole: boolean): string[] {
  const failed = images.flatMap((image) => (image.outcome === 'failed' ? [image] : []));
  const skipped = images.filter(({ outcome }) => outcome === 'skipped').length;
  const shown = new Map<string, number>();
  let alike = 0;
  const lines = failed.flatMap(({ image, error }) => {
    const { code, message, remedy } = error;
    const count = (shown.get(code) ?? 0) + 1;
    shown.set(code, count);
    if (isOfRegistry(code) && count > failuresAlike) {
      alike += 1;
      return [];
    }
    if (!whole) return remedy === undefined ? [] : [`  ${image}: ${remedy}`];
    return [`  ${image}: ${message}`, ...(remedy === undefined ? [] : [`    ${remedy}`])];
  });
  const missing = images.flatMap((image) =>
    'referrers' in image ? missingReferrers(image.referrers).map((line) => `  ${image.image}: ${line}`) : [],
  );
  return [
    ...(failed.length > 0 ? [`${failed.length} of ${counted(images.length, 'image')} failed:`] : []),
    ...lines,
    ...(alike > 0 ? [`  ${alike} more failed alike.`] : []),
    ...(skipped > 0 ? [`  ${skipped} ${skipped === 1 ? 'was' : 'were'} not tried.`] : []),
    ...(missing.length > 0 ? ['not all that refers to images was copied:', ...missing] : []),
  ];
}
