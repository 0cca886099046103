import { stripVTControlCharacters } from 'node:util';

/** Made when a text first needs it: that takes some 15 ms. */
let segmenter: Intl.Segmenter | undefined;
/** Takes no cell: marks on the previous character, and invisible characters. */
const invisible = /^[\p{Mn}\p{Me}\p{Cc}\p{Cf}]+$/u;
/**
 * Takes two cells: East Asian wide and fullwidth characters, and characters that are shown as
 * emoji. https://www.unicode.org/reports/tr11/#Definitions
 * https://www.unicode.org/reports/tr51/#Emoji_Presentation
 */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]|\ufe0f/u;

/** How many terminal cells a text takes. Colours take none. */
export function cellWidth(text: string): number {
  const plain = stripVTControlCharacters(text);
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const { segment } of graphemesOf(plain)) width += widthOf(segment);
  return width;
}

/**
 * A text of at most so many cells. A longer one also loses its colours, since a cut could break
 * them.
 */
export function cutToCells(text: string, cells: number): string {
  return cellWidth(text) <= cells ? text : (splitCells(text, cells)[0] ?? '');
}

/**
 * A text in pieces of at most so many cells, without colours. A wider character is a piece of its
 * own.
 */
export function splitCells(text: string, cells: number): string[] {
  const pieces: string[] = [];
  let width = Number.POSITIVE_INFINITY;
  for (const { segment } of graphemesOf(stripVTControlCharacters(text))) {
    const more = widthOf(segment);
    if (width + more > cells) {
      pieces.push('');
      width = 0;
    }
    pieces.push((pieces.pop() ?? '') + segment);
    width += more;
  }
  return pieces;
}

function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}

function widthOf(grapheme: string): number {
  if (invisible.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
}
