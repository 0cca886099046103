import { cellWidth } from './cells.ts';
import { foldedLine } from './wrap.ts';

/** How digests may be shown: whole, or with enough digits to see whether two are the same. */
const forms: readonly ((text: string) => string)[] = [(text) => text, shortened(12), shortened(8)];

/**
 * Lays out text that contains digests, showing as much of them as fits the width.
 *
 * @param layOut gets a function that shortens the texts to show
 * @returns the shortest form if none fits
 */
export function fittingDigests<T>(
  width: number,
  layOut: (show: (text: string) => string) => T,
  widthOf: (laidOut: T) => number,
): T {
  let last = layOut(forms[0] ?? String);
  for (const form of forms.slice(1)) {
    if (widthOf(last) <= width) break;
    last = layOut(form);
  }
  return last;
}

/**
 * A line, wrapped if the width requires it, with as much of its digests as fits. A single word,
 * such as a reference, stays as it is.
 */
export function fittedLine(line: string, width: number): string[] {
  if (!line.includes(' ')) return [line];
  return foldedLine(
    fittingDigests(width, (show) => show(line), cellWidth),
    width,
  );
}

function shortened(digits: number): (text: string) => string {
  return (text) =>
    text.replace(
      /\b(sha256:|sha512:)([0-9a-f]{64,128})\b/g,
      (_, algorithm: string, hex: string) => `${algorithm}${hex.slice(0, digits)}…`,
    );
}
