import type { FileKind } from '../../../../core/rewrite/kinds.ts';

/** A text whose references stand between « and »: all of them are found, and nothing else is. */
export interface MarkedCase {
  what: string;
  kind: FileKind;
  marked: string;
  /** What is recorded besides, each as `why text`. */
  leftAlone?: string[];
}

/** The text itself, and its references with their places in it. */
export function unmark(marked: string): { text: string; images: { image: string; start: number }[] } {
  const images: { image: string; start: number }[] = [];
  let text = '';
  for (const piece of marked.split('«')) {
    const [image, rest] = piece.split('»');
    if (rest === undefined) text += piece;
    else {
      images.push({ image: image ?? '', start: text.length });
      text += image + rest;
    }
  }
  return { text, images };
}
