import { parseReference } from '../oci/reference.ts';
import type { PointedPod } from './point-pod.ts';

/** The rest is counted: kubectl prints each warning, and clients cut them off at 4 kB in all. */
const mostNamed = 10;
/** https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response */
const mostCharacters = 240;

/** For whoever makes a Pod whose images could not be looked up. */
export const notLookedUp =
  'drayage: the mirror could not be asked for these images, so they stay as they are';

/** A warning for each image that is not mirrored. */
export function missingWarnings(
  pointed: Pick<PointedPod, 'missing' | 'invalid'>,
  { isAskedFor }: { isAskedFor: boolean },
): string[] {
  const lines = [
    ...pointed.missing.map(({ image, place }) => {
      const { registry } = parseReference(image);
      const then = isAskedFor ? 'it was asked for, and for now it' : 'it';
      return `${image} (${place}) is not mirrored: ${then} is pulled from ${registry}`;
    }),
    ...invalidLines(pointed),
  ];
  return shortened([...new Set(lines)]).map((line) => plain(`drayage: ${line}`));
}

/** Why a Pod is refused. */
export function denial(pointed: Pick<PointedPod, 'missing' | 'invalid'>): string {
  const lines = [
    ...pointed.missing.map(({ image, place }) => `${image} (${place}) is not mirrored`),
    ...invalidLines(pointed),
  ];
  return `drayage: ${shortened([...new Set(lines)])
    .map(plain)
    .join('; ')}`;
}

function invalidLines({ invalid }: Pick<PointedPod, 'invalid'>): string[] {
  return invalid.map(({ image, reason }) => `${image.place} has no image reference: ${reason}`);
}

function shortened(lines: string[]): string[] {
  const more = lines.length - mostNamed;
  return more > 1 ? [...lines.slice(0, mostNamed), `and ${more} more images`] : lines;
}

/** Warnings travel in HTTP headers. */
function plain(text: string): string {
  const line = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return line.length > mostCharacters ? `${line.slice(0, mostCharacters - 3)}...` : line;
}
