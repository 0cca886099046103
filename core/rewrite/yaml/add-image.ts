import { isAlias, type Node } from 'yaml';
import { formatReference } from '../../oci/reference.ts';
import type { Edit } from '../edits.ts';
import type { Finding } from '../found.ts';
import { slotOf } from './slot.ts';
import type { YamlView } from './view.ts';

/** One document, and what is found in it. */
export interface Search {
  view: YamlView;
  finding: Finding;
}

/** Adds the reference that a scalar is; what is no scalar is none. */
export function addImage(
  { view, finding }: Search,
  node: Node | undefined,
  options: {
    pullPolicy?: Edit | undefined;
    /** What stands before the reference; a text without it is none. */
    prefix?: string;
  } = {},
): void {
  if (node === undefined) return;
  const slot = slotOf(view, node);
  const { prefix = '', pullPolicy } = options;
  if (slot === 'not-text') return;
  const text = view.text(node) ?? '';
  if (slot === 'anchor-elsewhere') {
    const anchor = view.target(node);
    const from = anchor && slotOf(view, anchor);
    const anchored = typeof from === 'object' ? from.start : -1;
    if (isAlias(node)) finding.alias(text, view.start(node), anchored);
  } else if (slot === 'unclear') {
    if (text.trim() !== '')
      finding.leave(text.trim(), view.start(node), 'invalid', 'it takes more than one line');
  } else if (slot.value.startsWith(prefix) && !isNull(node, slot.value)) {
    finding.add({
      image: slot.value.slice(prefix.length),
      start: slot.start + prefix.length,
      edits: (to) => [slot.say(prefix + formatReference(to))],
      ...(pullPolicy && { pullPolicy }),
    });
  }
}

/** The failsafe schema reads `image: null` as a text. https://yaml.org/spec/1.2.2/#10212-null */
function isNull(node: Node, value: string): boolean {
  return (node as { type?: string }).type === 'PLAIN' && /^(~|null|Null|NULL)$/.test(value);
}
