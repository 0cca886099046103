import type { LeftAlone, ResourceName } from '../../core/rewrite/found.ts';
import type { Pointed } from '../../core/rewrite/point-to-mirror.ts';
import { LineFinder, type Position } from '../../core/rewrite/position.ts';
import { counted } from '../shared/format.ts';
import type { Input } from './read-input.ts';

/** One text, and what becomes of it. */
export interface Rewritten {
  input: Input;
  pointed: Pointed;
  leftAlone: LeftAlone[];
}

/** A place in a file. */
export interface Place extends Position {
  file: string;
  resource?: ResourceName;
}

/** What `--json` prints, and what messages are made of. */
export interface Report {
  rewritten: (Place & { image: string; to: string })[];
  missing: { image: string; at: Place[] }[];
  leftAlone: (Place & { text: string; why: LeftAlone['why']; reason: string })[];
}

/** Everything that was found, with lines and columns. */
export function reportOf(all: readonly Rewritten[]): Report {
  const report: Report = { rewritten: [], missing: [], leftAlone: [] };
  const missing = new Map<string, Place[]>();
  for (const { input, pointed, leftAlone } of all) {
    const lines = new LineFinder(input.text);
    const place = ({ start, resource }: { start: number; resource?: ResourceName }): Place => ({
      file: input.name,
      ...lines.position(start),
      ...(resource && { resource }),
    });
    for (const { image, to } of pointed.changed)
      report.rewritten.push({ ...place(image), image: image.image, to });
    for (const image of pointed.missing) {
      const places = missing.get(image.image) ?? [];
      missing.set(image.image, places);
      places.push(place(image));
    }
    for (const left of leftAlone)
      report.leftAlone.push({ ...place(left), text: left.text, why: left.why, reason: left.reason });
  }
  report.missing = [...missing].map(([image, at]) => ({ image, at }));
  return report;
}

/** `file:line:column`, as compilers and editors write it. */
export function formatPlace({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** A line for each image that is not mirrored. */
export function missingLines({ missing }: Report): string[] {
  return missing.map(({ image, at: [first, ...others] }) => {
    const more = others.length === 0 ? '' : ` and ${counted(others.length, 'more place')}`;
    return `${first ? formatPlace(first) : ''}${more}: ${image} is not mirrored`;
  });
}

/** A line for each text that can’t be looked up. */
export function leftAloneLines({ leftAlone }: Report): string[] {
  return leftAlone.map((left) => {
    const shown = JSON.stringify(left.text.length > 200 ? `${left.text.slice(0, 200)}…` : left.text);
    return `${formatPlace(left)}: ${shown} stays as it is: ${left.reason}`;
  });
}
