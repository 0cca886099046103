import type { Coverage, ListedImage } from '../../core/discover/coverage.ts';
import { plainText } from '../../core/oci/plain-text.ts';
import { counted } from '../shared/format.ts';

/** Coverage for people: a summary, and what is missing, with who uses it. */
export function coverageText(file: string, coverage: Coverage): string {
  const { images, covered, percent, pods, podsCovered, fromMirror, mirror } = coverage;
  const lines = [
    `${file} covers ${covered} of ${counted(images, 'image')} (${percent} %), and all images of ${podsCovered} of ${counted(pods, 'pod')}`,
  ];
  if (mirror) lines.push(`mirrored: ${mirror.mirrored}; named by the mirror’s reference: ${fromMirror}`);
  return [
    ...lines,
    ...section('not covered', coverage.uncovered),
    ...section('covered, but not mirrored yet: drayage mirror IMAGE', mirror?.notMirrored ?? []),
    ...section(
      'mirrored, but named by the upstream: docs/clusters.md says how to change that',
      mirror?.fromUpstream ?? [],
    ),
    ...section('next to the cluster already', coverage.exempt),
    ...section('not references, so no pod runs with them', coverage.invalid),
    '',
  ].join('\n');
}

function section(title: string, images: readonly ListedImage[]): string[] {
  if (images.length === 0) return [];
  return [
    '',
    `${title}:`,
    ...images.map(
      (each) => `  ${plainText(each.image, 300)}  ${usersOf(each)}: ${plainText(each.reason, 400)}`,
    ),
  ];
}

function usersOf({ pods, places, examples }: ListedImage): string {
  const all = [pods > 0 ? counted(pods, 'pod') : '', places > 0 ? counted(places, 'place') : ''];
  const [first] = examples;
  const shown = first === undefined ? '' : ` (${plainText(first, 200)}${pods + places > 1 ? ' …' : ''})`;
  return `${all.filter((text) => text !== '').join(' and ')}${shown}`;
}
