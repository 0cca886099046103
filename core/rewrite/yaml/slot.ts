import { isAlias, isScalar, type Node, type Scalar } from 'yaml';
import type { Edit } from '../edits.ts';
import type { YamlView } from './view.ts';

/** The text of one scalar: what it says, and where it can be replaced. */
export interface Slot {
  value: string;
  /** Where the text begins, after a quote. */
  start: number;
  /** The edit after which the scalar says something else, in the style it has. */
  say(text: string): Edit;
}

/** Why a node has no text of its own that could be replaced. */
export type NoSlot = 'not-text' | 'anchor-elsewhere' | 'unclear';

/**
 * The text of a scalar. Of an alias it is the anchor’s, if that stands where only aliases read it.
 */
export function slotOf(view: YamlView, node: Node): Slot | NoSlot {
  const scalar = view.target(node);
  if (!isScalar(scalar) || !scalar.range) return 'not-text';
  if (isAlias(node) && !view.anchors.templates.has(scalar)) return 'anchor-elsewhere';
  const value = String(scalar.value ?? '');
  const [from, to] = [scalar.range[0], scalar.range[1]];
  const at = innerRange(view.part.text, scalar, from, to, value);
  if (at === undefined) return 'unclear';
  const start = view.part.at(at.start);
  // Nothing is left out within a scalar.
  const end = start + at.end - at.start;
  return {
    value: at.value,
    start,
    say: (text) => ({ start, end, text: scalar.type === 'PLAIN' ? plain(text) : text }),
  };
}

/**
 * The part of the source that is the scalar’s text: without quotes, and without a block’s header.
 */
function innerRange(
  text: string,
  { type }: Scalar,
  from: number,
  to: number,
  value: string,
): { start: number; end: number; value: string } | undefined {
  if (type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE') return { start: from + 1, end: to - 1, value };
  if (type !== 'BLOCK_FOLDED' && type !== 'BLOCK_LITERAL') return { start: from, end: to, value };
  // A reference in a block is a single line; the line breaks around it are not part of it.
  const trimmed = value.trim();
  const header = text.indexOf('\n', from);
  const start = trimmed === '' || header < 0 ? -1 : text.indexOf(trimmed, header);
  if (start < 0 || start + trimmed.length > to) return undefined;
  return { start, end: start + trimmed.length, value: trimmed };
}

/** A registry that is an IPv6 address begins with a bracket, which plain scalars can’t. */
function plain(text: string): string {
  return text.startsWith('[') ? `"${text}"` : text;
}
