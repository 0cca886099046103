/** A change of a text: what stands from `start` up to `end` becomes `text`. */
export interface Edit {
  /** Offset in UTF-16 code units, as in `String.prototype.slice`. */
  start: number;
  /** Equal to `start` for an insertion. */
  end: number;
  text: string;
}

/**
 * Applies edits; all other characters stay as they are. Insertions at the same place follow the
 * order of the list.
 *
 * @throws RangeError if edits overlap or lie outside of the text
 */
export function rewrite(text: string, edits: readonly Edit[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const edit of inOrder(edits)) {
    if (edit.start < at || edit.end < edit.start || edit.end > text.length)
      throw new RangeError(`the edit of ${edit.start} to ${edit.end} overlaps another, or is outside`);
    pieces.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  pieces.push(text.slice(at));
  return pieces.join('');
}

/** Edits by their place in the text. */
export function inOrder(edits: readonly Edit[]): Edit[] {
  return edits.toSorted((a, b) => a.start - b.start || a.end - b.end);
}
